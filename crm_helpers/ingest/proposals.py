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

__all__ = ["proposed_columns", "proposed_rules", "toml_text"]

BY_PRODUCT = 0.60  # score of an amount that nobody wrote down
STATES = frozenset({
    "status", "stage", "dealstage", "orderstatus", "salesstage", "状态", "订单状态", "阶段", "交易状态",
})  # fmt: skip
MOST_STATES = 12  # values a column of states may have
LONGEST_STATE = 40  # characters
LONGEST_NAME = 60  # of a condition, as the profile takes it
COMMON = 0.7  # share of orders that are plain numbers, where those that begin with letters are another kind

_NOT_FIRST = re.compile(r"^\W+")  # what the name of a condition cannot begin with

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
        A comment by canonical column: an amount as quantity times unit price or as the price of one unit, a
        contact for its customer.
    """
    found = {}
    if table.name == "transactions" and "amount" not in origins:
        found["amount"] = _product(headers)
    if table.name == "communications" and "customer_id" not in origins and "communication_id" in origins:
        stand_in = f"customer_id = {toml_text(origins['communication_id'])}"
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
    named = {_NOT_FIRST.sub("", name)[:LONGEST_NAME]: condition for name, condition in conditions.items()}
    return [
        "# Rows that are no sales are left out by name, and counted. Choose, without the mark:",
        f"# [tables.{table.name}.set_aside]",
        *(
            f"# {toml_text(name)} = {toml_text(condition)}  # {rows:,} sampled rows"
            for name, (condition, rows) in named.items()
        ),
    ]


def _product(headers: Sequence[str]) -> str:
    quantity, price = (_known(headers, wanted) for wanted in ("quantity", "unit_price"))
    if not price:
        return ""
    # proposed only: whether discounts and taxes are in the price, nobody but the company knows
    if not quantity:
        return f"# amount = {toml_text(price)}  # score {BY_PRODUCT:.2f}: the price, where a line is one unit"
    sql = " * ".join(f"CAST({quote_identifier(header)} AS DECIMAL(18, 4))" for header in (quantity, price))
    return f"# amount = {{ sql = {toml_text(sql)} }}  # score {BY_PRODUCT:.2f}: quantity times unit price"


def _known(headers: Sequence[str], wanted: str) -> str:
    score, header = max(((column_score(h, wanted), h) for h in headers), default=(0.0, ""))
    return header if score >= SYNONYM else ""


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
    orders = f"(SELECT CAST({value} AS VARCHAR) AS v FROM {_rows(sample)})"
    plain = f"count_if(regexp_full_match(v, '[0-9]+')) >= {COMMON} * count(v)"
    if not sample[0].raw_sql(f"SELECT {plain} FROM {orders}").fetchone()[0]:
        return {}  # letters say something only where nearly all orders are plain numbers
    letters = "regexp_extract(v, '^([A-Za-z]+)[0-9]+$', 1)"
    query = (
        f"SELECT {letters} AS l, count(*) FROM {orders} WHERE {letters} <> '' GROUP BY l ORDER BY 2 DESC, l"
    )
    found = sample[0].raw_sql(query).fetchmany(MOST_STATES)
    return {f"order {letter}": (f"{value} LIKE {quote_text(f'{letter}%')}", rows) for letter, rows in found}


def _unpriced(headers: Sequence[str], sample: Sampled) -> dict[str, tuple[str, int]]:
    header = _known(headers, "unit_price")
    if not header:
        return {}
    condition = f"TRY_CAST({quote_identifier(header)} AS DECIMAL(18, 4)) <= 0"
    rows = sample[0].raw_sql(f"SELECT count(*) FROM {_rows(sample)} WHERE {condition}").fetchone()[0]
    return {"no price": (condition, rows)} if rows else {}


def _rows(sample: Sampled) -> str:
    return f"({sample[0].compile(sample[1])})"


def toml_text(text: object) -> str:
    """Write a text as TOML does.

    Examples
    --------
    >>> print(toml_text("客户"))
    "客户"
    """
    # JSON's escapes are TOML's; a lone DEL is the one character TOML also wants escaped
    return json.dumps(str(text), ensure_ascii=False).replace("\x7f", "\\u007f")
