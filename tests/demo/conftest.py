"""One small simulated company for all tests of this folder, its order lines joined to the truth."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from crm_helpers.demo import make

CUSTOMERS = 3_000

LINES = """
SELECT p.person_id, order_no, line_no, customer_no, channel, qty::INT AS quantity,
    try_cast(paid AS DOUBLE) AS paid,
    coalesce(
        try_strptime(order_time, '%Y-%m-%d %H:%M:%S'), try_strptime(order_time, '%Y/%m/%d %H:%M')
    ) AS moment
FROM (SELECT DISTINCT * FROM read_csv('{folder}/source/transactions.csv', all_varchar = true)) AS t
LEFT JOIN '{folder}/truth/people.parquet' AS p ON p.customer_id = t.customer_no
"""


@dataclass(frozen=True)
class Made:
    """A company made for the tests."""

    folder: Path
    lines: pd.DataFrame

    def truth(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.folder / "truth" / f"{name}.parquet")

    def table(self, name: str) -> pd.DataFrame:
        with closing(sqlite3.connect(self.folder / "source" / "crm.sqlite")) as connection:
            return pd.read_sql(f"SELECT * FROM {name}", connection)

    def sheet(self, name: str) -> pd.DataFrame:
        return pd.read_excel(self.folder / "source" / "plans.xlsx", sheet_name=name, dtype={"活动编号": str})

    def customers(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "source" / "customers.csv", encoding="gb18030", dtype=str)

    def tickets(self) -> pd.DataFrame:
        path = self.folder / "source" / "communications.jsonl"
        return pd.read_json(path, lines=True, dtype={"customer": str, "ticket": str})


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Make the company once."""
    folder = tmp_path_factory.mktemp("demo")
    make(folder, customers=CUSTOMERS, seed=1)
    return Made(folder, duckdb.sql(LINES.format(folder=folder)).df())
