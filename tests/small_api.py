"""A tiny API on loopback, which pages, wants a login, and fails as it is told to."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Fault = Callable[["Handler"], bool]


class SmallApi(ThreadingHTTPServer):
    """Serves `records` at /orders; each of `faults` may answer first, and says whether it did."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.records: list[dict[str, Any]] = [{"id": f"{n:03}", "name": f"张{n}"} for n in range(1, 8)]
        self.paging = "page"
        self.login = ""  # the Authorization header that is let in
        self.faults: list[Fault] = []
        self.asked: list[dict[str, str]] = []
        self.tokens = 0
        self.expires_in = 3600

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: SmallApi

    def log_message(self, *words: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {key: value[0] for key, value in parse_qs(body).items()}
        basic = "Basic " + base64.b64encode(b"me:geheim").decode()
        known = (form.get("client_id"), form.get("client_secret")) == ("me", "geheim")
        if not known and self.headers["Authorization"] != basic:
            self.answer({"error": "invalid_client"}, status=401)
            return
        self.server.tokens += 1
        self.server.login = f"Bearer t{self.server.tokens}"
        self.answer({"access_token": f"t{self.server.tokens}", "expires_in": self.server.expires_in})

    def do_GET(self) -> None:
        self.query = {key: value[0] for key, value in parse_qs(urlsplit(self.path).query).items()}
        self.server.asked.append(self.query)
        if any(fault(self) for fault in list(self.server.faults)):
            return
        if self.server.login and self.headers["Authorization"] != self.server.login:
            self.answer({"error": "who are you?"}, status=401)
            return
        rows = self.server.records
        if "since" in self.query:
            rows = [row for row in rows if row["updated_at"] >= self.query["since"]]
        size = int(self.query.get("limit", 3))
        _PAGINGS[self.server.paging](self, rows, size)

    def answer(self, content: Any, *, status: int = 200, **headers: str) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


def _single(self: Handler, rows: list[Any], size: int) -> None:
    self.answer(rows)


def _page(self: Handler, rows: list[Any], size: int) -> None:
    start = (int(self.query["page"]) - 1) * size
    self.answer({"data": {"items": rows[start : start + size]}, "pages": -(-len(rows) // size)})


def _offset(self: Handler, rows: list[Any], size: int) -> None:
    start = int(self.query["offset"])
    self.answer({"data": {"items": rows[start : start + size]}, "total": len(rows)})


def _cursor(self: Handler, rows: list[Any], size: int) -> None:
    start = int(self.query.get("cursor", "c0")[1:])
    after = f"c{start + size}" if start + size < len(rows) else None
    self.answer({"data": {"items": rows[start : start + size]}, "next_cursor": after})


def _link(self: Handler, rows: list[Any], size: int) -> None:
    start = int(self.query.get("from", 0))
    after = f'<{self.server.url}/orders?from={start + size}>; rel="next"'
    self.answer(rows[start : start + size], **({"Link": after} if start + size < len(rows) else {}))


def _next_url(self: Handler, rows: list[Any], size: int) -> None:
    start = int(self.query.get("from", 0))
    after = f"/orders?from={start + size}" if start + size < len(rows) else None
    self.answer({"data": {"items": rows[start : start + size]}, "links": {"next": after}})


_PAGINGS: dict[str, Callable[[Handler, list[Any], int], None]] = {
    "none": _single, "page": _page, "offset": _offset, "cursor": _cursor, "link": _link,
    "next_url": _next_url,
}  # fmt: skip


@contextmanager
def small_api() -> Iterator[SmallApi]:
    """Serve until the end of the block."""
    with SmallApi() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
