"""What a drafted profile proposes and does not do: a computed amount, a stand-in, rows that are no sales.

Every proposal is a comment with its evidence; a person takes the mark away where it is right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

import ibis

from crm_helpers.ingest.likeness import SYNONYM, column_score
from crm_helpers.lake import quote_identifier, quote_text
from crm_helpers.tables import Table

__all__ = ["proposed_columns", "proposed_rules"]

BY_PRODUCT = 0.60  # score of an amount that nobody wrote down
STATES = frozenset({
    "status", "stage", "dealstage", "orderstatus", "salesstage", "状态", "订单状态", "阶段", "交易状态",
})  # fmt: skip
MOST_STATES = 12  # values a column of states may have
LONGEST_STATE = 40  # characters
RARE = 0.3  # share of orders that may begin with a letter of their own

Sampled = tuple[ibis.BaseBackend, ibis.Table]


def proposed_columns(table: Table, headers: Sequence[str], origins: Mapping[str, str]) -> dict[str, str]:
    """Propose where a required column could come from that no header names.

    Parameters
    ----------
    table
        The canonical table.
    headers
        Columns of the source.
    origins
        The source column of each column that was found.

    Returns
    -------
    dict of str to str
        A comment by canonical column: an amount as quantity times unit price, a contact for its customer.
    """
    found = {}
    if table.name == "transactions" and "amount" not in origins:
        found["amount"] = _product(headers)
    if table.name == "communications" and "customer_id" not in origins and "communication_id" in origins:
        stand_in = f"customer_id = {_quoted(origins['communication_id'])}"
        found["customer_id"] = f"# {stand_in}  # where no customer is named, each contact stands for one"
    return {name: line for name, line in found.items() if line}


def proposed_rules(
    table: Table, headers: Sequence[str], origins: Mapping[str, str], sample: Sampled
) -> list[str]:
    """Propose conditions for rows that are no sales, from the values of a sample.

    Parameters
    ----------
    table
        The canonical table; only transactions have such rows.
    headers
        Columns of the source.
    origins
        The source column of each column that was found.
    sample
        The engine and the source's first rows.

    Returns
    -------
    list of str
        Comments: a condition for each state of a sale, for orders that begin with a letter, for lines without
        a price, each with the sampled rows that meet it; empty when there are none.
    """
    if table.name != "transactions":
        return []
    conditions = _states(headers, sample) | _lettered(origins, sample) | _unpriced(headers, sample)
    if not conditions:
        return []
    return [
        "# Rows that are no sales are left out by name, and counted. Choose, without the mark:",
        f"# [tables.{table.name}.set_aside]",
        *(
            f"# {_quoted(name)} = {_quoted(condition)}  # {rows:,} sampled rows"
            for name, (condition, rows) in conditions.items()
        ),
    ]


def _product(headers: Sequence[str]) -> str:
    parts = []
    for wanted in ("quantity", "unit_price"):
        score, header = max(((column_score(h, wanted), h) for h in headers), default=(0.0, ""))
        if score < SYNONYM:
            return ""
        parts.append(f"CAST({quote_identifier(header)} AS DECIMAL(18, 4))")
    # proposed only: whether discounts and taxes are in the price, nobody but the company knows
    sql = " * ".join(parts)
    return f"# amount = {{ sql = {_quoted(sql)} }}  # score {BY_PRODUCT:.2f}: quantity times unit price"


def _states(headers: Sequence[str], sample: Sampled) -> dict[str, tuple[str, int]]:
    for header in headers:
        if re.sub(r"[\W_]+", "", header).casefold() not in STATES:
            continue
        value = quote_identifier(header)
        given = f"SELECT CAST({value} AS VARCHAR) AS state FROM {_rows(sample)}"
        query = f"SELECT state, count(*) AS n FROM ({given}) WHERE state <> '' GROUP BY 1 ORDER BY n DESC, 1"
        found = sample[0].raw_sql(query).fetchmany(MOST_STATES + 1)
        if len(found) <= MOST_STATES and all(len(state) <= LONGEST_STATE for state, _ in found):
            return {f"{header} {state}": (f"{value} = {quote_text(state)}", rows) for state, rows in found}
    return {}


def _lettered(origins: Mapping[str, str], sample: Sampled) -> dict[str, tuple[str, int]]:
    if "order_id" not in origins:
        return {}
    value = quote_identifier(origins["order_id"])
    query = (
        f"SELECT regexp_extract(CAST({value} AS VARCHAR), '^[A-Za-z]+') AS letters, count(*) AS n,"
        f" count(*) / sum(count(*)) OVER () AS share FROM {_rows(sample)} GROUP BY 1 ORDER BY n DESC, 1"
    )
    found = sample[0].raw_sql(query).fetchmany(MOST_STATES)
    return {
        f"order {letters}": (f"{value} LIKE {quote_text(f'{letters}%')}", rows)
        for letters, rows, share in found
        if letters and share <= RARE and not found[0][0]
    }


def _unpriced(headers: Sequence[str], sample: Sampled) -> dict[str, tuple[str, int]]:
    score, header = max(((column_score(h, "unit_price"), h) for h in headers), default=(0.0, ""))
    if score < SYNONYM:
        return {}
    condition = f"TRY_CAST({quote_identifier(header)} AS DECIMAL(18, 4)) <= 0"
    rows = sample[0].raw_sql(f"SELECT count(*) FROM {_rows(sample)} WHERE {condition}").fetchone()[0]
    return {"no price": (condition, rows)} if rows else {}


def _rows(sample: Sampled) -> str:
    return f"({sample[0].compile(sample[1])})"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # JSON's escapes are TOML's
