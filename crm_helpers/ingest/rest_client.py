"""A careful REST client on dlt's: it waits, renews its token, and sends its secrets to one host only.

Importing this module imports dlt: do it under `quiet_dlt`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from urllib.parse import urlsplit

from dlt.common import jsonpath
from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.sources.helpers.requests import Client
from dlt.sources.helpers.rest_client import RESTClient, paginators
from requests import Request, RequestException, Response, Session
from requests.exceptions import ChunkedEncodingError, ContentDecodingError

from crm_helpers.errors import InputError, suggest
from crm_helpers.ingest.rest_answer import document_of
from crm_helpers.ingest.rest_login import OAuth2ClientCredentials, login
from crm_helpers.sources import CursorPaging, LinkPaging, NextUrlPaging, OffsetPaging, RestSource

__all__ = ["pages_of"]

TRIES = 5  # of one request
BACKOFF = 1.0  # seconds before the second try; twice as long before each further one
LONGEST_WAIT = 300  # seconds; a server that asks for more is not waited for
TIMEOUT = 60  # seconds without a byte
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


def pages_of(name: str, source: RestSource, params: dict[str, Any]) -> Iterator[list[Any]]:
    """Ask for the pages of a source, one after the other.

    Parameters
    ----------
    name
        Name of the source, for messages.
    source
        Its address, login and paging.
    params
        Parameters of the address.

    Yields
    ------
    list
        The records of one page, numbers as `Decimal` or `int`.

    Raises
    ------
    InputError
        When the API cannot be reached, refuses the login, or answers with something else than records;
        the message holds neither address, secret nor value.
    """
    transport = Client(
        request_timeout=TIMEOUT,
        raise_for_status=False,
        status_codes=(),
        retry_condition=_worth_waiting,
        request_max_attempts=TRIES,
        request_backoff_factor=BACKOFF,
        request_max_retry_delay=LONGEST_WAIT,
    )
    session = transport.session
    try:
        with _plain_words(name):
            client = _Client(name, source, session)
            paging = _paginator(source)
            sizes = _size(source)
            yield from client.paginate(
                params=sizes | params, paginator=paging, hooks={"response": []}, allow_redirects=False
            )
    finally:
        session.close()


class _Client(RESTClient):  # type: ignore[misc]  # dlt comes without types
    """dlt's client, which checks each answer before a page is made of it."""

    def __init__(self, name: str, source: RestSource, session: Session) -> None:
        super().__init__(
            source.url,
            auth=login(name, source, session),
            data_selector=source.records,
            session=session,
            config=RuntimeConfiguration(),
        )
        self.key = f"sources.{name}"
        self.source = source
        self.last_page = b""

    def _send_request(self, request: Request, **settings: Any) -> Response:
        if urlsplit(request.url)[:2] != urlsplit(self.source.url)[:2]:
            raise InputError(f"{self.key}.paging: the next page lies on another host; no secret goes there")
        response: Response = super()._send_request(request, **settings)
        if response.status_code == 401 and isinstance(self.auth, OAuth2ClientCredentials):
            self.auth.obtain_token()  # expired before its time, or withdrawn
            response = super()._send_request(request, **settings)
        if not response.ok or response.is_redirect:
            _refuse(self.key, self.source, response)
        return response

    def extract_response(self, response: Response, data_selector: str) -> list[Any]:
        document = document_of(self.key, response)
        found = jsonpath.find_values(data_selector, document)
        if not found:
            known = document if isinstance(document, dict) else {"$": None}
            hint = suggest(data_selector, known)
            raise InputError(f'{self.key}.records: the answer holds no "{data_selector}"; {hint}')
        records = found[0] if len(found) == 1 else found
        if records and response.content == self.last_page:
            raise InputError(f"{self.key}.paging: the API answers with the same page again; look at its keys")
        self.last_page = response.content
        return records if isinstance(records, list) else [] if records is None else [records]


def _paginator(source: RestSource) -> Any:
    paging = source.paging
    if paging is None:
        return paginators.SinglePagePaginator()
    if isinstance(paging, LinkPaging):
        return paginators.HeaderLinkPaginator(links_next_key=paging.rel)
    if isinstance(paging, NextUrlPaging):
        return paginators.JSONLinkPaginator(next_url_path=paging.path)
    if isinstance(paging, CursorPaging):
        return paginators.JSONResponseCursorPaginator(
            cursor_path=paging.path, cursor_param=paging.param, has_more_path=paging.more
        )
    if isinstance(paging, OffsetPaging):
        return paginators.OffsetPaginator(
            limit=paging.size,
            limit_param=paging.size_param,
            offset_param=paging.param,
            total_path=paging.total,
            has_more_path=paging.more,
        )
    return paginators.PageNumberPaginator(
        base_page=paging.first, page_param=paging.param, total_path=paging.total, has_more_path=paging.more
    )


def _size(source: RestSource) -> dict[str, Any]:
    paging = source.paging
    return {paging.size_param: paging.size} if paging and paging.size_param else {}


def _worth_waiting(response: Response | None, _error: BaseException | None) -> bool:
    if response is None or response.status_code not in TRANSIENT:
        return False
    return _asked_wait(response) <= LONGEST_WAIT


def _asked_wait(response: Response) -> float:
    asked = response.headers.get("Retry-After", "").strip()
    if asked.isdigit():
        return int(asked)
    try:
        return (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):  # no header, or nonsense: the ordinary back-off
        return 0


def _refuse(key: str, source: RestSource, response: Response) -> NoReturn:
    status = response.status_code
    if status in {401, 403}:
        if source.auth is None:
            raise InputError(f"{key}: the API wants a login ({status}); declare auth")
        names = [value for field, value in source.auth if field.endswith("_env")]
        raise InputError(
            f"{key}.auth: the API refuses the login ({status}); look at the environment"
            f" variable{'s' if len(names) > 1 else ''} {' and '.join(names)}"
        )
    if response.is_redirect:
        raise InputError(f"{key}.url: the API has moved ({status}); write its new address")
    if status == 404:
        raise InputError(f"{key}.url: the API knows no such address (404)")
    if status in TRANSIENT:
        raise InputError(f"{key}: the API is not ready ({status}), also after waiting; run again later")
    raise InputError(f"{key}: the API refuses the request ({status}); look at url, params and paging")


@contextmanager
def _plain_words(name: str) -> Iterator[None]:
    key = f"sources.{name}"
    try:
        yield
    except (ChunkedEncodingError, ContentDecodingError):
        raise InputError(f"{key}: the API breaks off in the middle of an answer; run again later") from None
    except RequestException as error:  # its message holds the address, and what a header holds
        what = type(error).__name__
        raise InputError(f"{key}.url: the API cannot be reached ({what}); look at url and network") from None
    except ValueError:  # of dlt's paginators, with the whole answer in the message
        raise InputError(f"{key}.paging: the answer lacks what total or more says; look at both") from None
