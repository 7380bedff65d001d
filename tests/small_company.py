"""A company of a few rows, for tests that go from source files to clean tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from crm_helpers.cleaning import CleanResult, clean
from crm_helpers.ingest import IngestResult, ingest
from crm_helpers.lake import connect, read_clean
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import Profile

LINES = "order,person,day,paid\nA1,007,2024-01-05,10.50\nA2,008,2024-01-06,2\n"
TRANSACTIONS = {"order_id": "order", "customer_id": "person", "ordered_at": "day", "amount": "paid"}


class SmallCompany:
    """One company in a root of its own; `lines.csv` feeds its transactions unless told otherwise."""

    def __init__(self, root: Path) -> None:
        self.folder = CompanyFolder(root, "shop")
        self.source = self.folder.data / "source"
        self.source.mkdir(parents=True)
        self.sources: dict[str, Any] = {"lines": {"kind": "csv", "path": "source/lines.csv"}}
        self.tables: dict[str, Any] = {"transactions": {"source": "lines", "columns": dict(TRANSACTIONS)}}
        self.top: dict[str, Any] = {"name": "Shop", "currency": "EUR"}
        self.write("lines.csv", LINES)

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.source / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def add(
        self, name: str, *, feeds: str = "", columns: dict[str, Any] | None = None, **source: Any
    ) -> None:
        """Add a source and, when named, the table it feeds."""
        file = {"path": f"source/{name}.csv"} if source.get("kind", "csv") not in {"sql", "rest"} else {}
        self.sources[name] = {"kind": "csv"} | file | source
        if feeds:
            self.tables[feeds] = {"source": name, "columns": columns}

    @property
    def profile(self) -> Profile:
        return Profile.model_validate({**self.top, "sources": self.sources, "tables": self.tables})

    def ingest(self) -> IngestResult:
        return ingest(self.folder, self.profile)

    def clean(self) -> CleanResult:
        self.ingest()
        return clean(self.folder, self.profile)

    def table(self, name: str) -> pd.DataFrame:
        """Clean the company and read one of its tables."""
        version = self.clean().version
        return read_clean(connect(), version, name).to_pandas()
