"""What became of every row, as tables: quality, quarantine, missing values, sales before and after."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import ibis
import pandas as pd

from crm_helpers.cleaning.converted import FATAL, code_of
from crm_helpers.cleaning.flags import Flag
from crm_helpers.cleaning.rows import middle_query
from crm_helpers.cleaning.rules import (
    ALL_ROWS,
    BY_CODE,
    DECLARED,
    DERIVED,
    RAGGED,
    RAGGED_ROW,
    SAME_KEY,
    SAME_PERSON,
    declared,
    rule_named,
)
from crm_helpers.cleaning.standardise import FIRST_RULE, Standardised, clean_place
from crm_helpers.errors import RunError
from crm_helpers.ingest.batches import FAULT, FILE, PART_ROWS, ROW, SET_ASIDE
from crm_helpers.lake import quote_identifier, quote_text
from crm_helpers.tables import Column

__all__ = [
    "census",
    "derived_table",
    "missing_values",
    "problems",
    "quality_rows",
    "quarantine_query",
    "reconciliation",
    "sales_bridge",
]

EFFECTS = ("quarantined", "merged", "set_missing", "flagged", "derived")
LONGEST_MASK = 24  # characters of a masked value

_SOLD = {
    "customer_id": "VARCHAR", "order_id": "VARCHAR", "amount": "DECIMAL(18, 4)", "ordered_at": "TIMESTAMP",
    "quantity": "DOUBLE",
}  # fmt: skip

Line = dict[str, object]


def quality_rows(
    standardised: Standardised,
    *,
    clean: int,
    merged: int,
    derived: int,
    flags: Iterable[Flag],
    same_person: int = 0,
) -> list[Line]:
    """Describe one table: a line that reconciles its rows, then a line a rule that bit.

    Parameters
    ----------
    standardised
        The converted table with its counts.
    clean
        Clean rows that were written, derived ones apart.
    merged
        Rows replaced by a later row with the same key.
    derived
        Rows added from other tables.
    flags
        Traps and orphans.
    same_person
        Rows that another row of the same person stands for.

    Returns
    -------
    list of dict
        Lines of the quality table.

    Raises
    ------
    RunError
        When a row is lost: read is not clean + quarantined + merged.
    """
    quarantined, gone = sum(standardised.quarantined.values()), merged + same_person
    if standardised.rows != clean + quarantined + gone:
        raise RunError(
            f"{standardised.table.name}: {standardised.rows:,} rows read but {clean:,} clean, {quarantined:,}"
            f" quarantined and {gone:,} merged; nothing was published"
        )
    flags = list(flags)
    total = {
        "quarantined": quarantined, "merged": gone, "derived": derived,
        "set_missing": sum(standardised.set_missing.values()), "flagged": sum(flag[2] for flag in flags),
    }  # fmt: skip
    lines = [_line(standardised, ALL_ROWS, "", **total)]
    for effect in ("quarantined", "set_missing"):
        for (column, code), count in getattr(standardised, effect).items():
            name = (declared(column), "") if code == DECLARED else (BY_CODE[code].name, column)
            lines.append(_line(standardised, *name, **{effect: count}))
    if merged:
        lines.append(_line(standardised, SAME_KEY.name, ", ".join(standardised.key), merged=merged))
    if derived:
        lines.append(_line(standardised, DERIVED.name, "", derived=derived))
    if same_person:
        lines.append(_line(standardised, SAME_PERSON.name, "customer_id", merged=same_person))
    lines += [_line(standardised, rule.name, column, flagged=rows) for rule, column, rows in flags]
    return [line | {"clean": clean} for line in lines]


def derived_table(table: str, rows: int) -> Line:
    """Describe a table that has no source: every row is derived."""
    return {"table": table, "source": "", "rule": ALL_ROWS, "column": "", "read": 0, "clean": 0} | {
        effect: rows if effect == "derived" else 0 for effect in EFFECTS
    }


def quarantine_query(
    connection: ibis.BaseBackend, standardised: Standardised, mapped: ibis.Table, merged: str
) -> str:
    """Write SQL for every value and row that did not become clean, values masked to their form.

    Parameters
    ----------
    connection
        The engine.
    standardised
        The converted table.
    mapped
        The table before conversion: it still holds what could not be read.
    merged
        The engine's table of replaced rows.

    Returns
    -------
    str
        SQL with the columns of the published table `quarantine`.
    """
    rows, source = standardised.converted.faulty, f"({connection.compile(mapped)})"
    place = f'{quote_text(standardised.table.name)} AS "table", {quote_text(standardised.source)} AS source'
    head = f"SELECT {place}, m.{ROW}"
    replaced = (
        f'{head}, {quote_text(", ".join(standardised.key))} AS "column", {quote_text(SAME_KEY.name)} AS rule,'
        f" 'merged' AS outcome, CAST(NULL AS VARCHAR) AS masked_value FROM {quote_identifier(merged)} m"
    )
    parts = [replaced]
    for column, code in dict.fromkeys((*standardised.quarantined, *standardised.set_missing)):
        if code == RAGGED_ROW:
            ragged = f"{head}, '', {quote_text(RAGGED.name)}, 'row quarantined', m.{FAULT} FROM {source} m"
            parts.append(f"{ragged} WHERE m.{FAULT} IS NOT NULL")
            continue
        if code == DECLARED:
            position = FIRST_RULE + standardised.rules.index(column)
            aside = f"{head}, '', {quote_text(declared(column))}, 'row quarantined', NULL FROM {rows} m"
            parts.append(f"{aside} WHERE m.fatal = {position}")
            continue
        position = [c.name for c in standardised.columns].index(column) + 1
        outcome = f"CASE WHEN c.fatal = {position} THEN 'row quarantined' ELSE 'value set missing' END"
        parts.append(
            f"{head}, {quote_text(column)}, {quote_text(BY_CODE[code].name)}, {outcome},"
            f" {_mask(f'm.{quote_identifier(column)}')} FROM {source} m JOIN {rows} c USING ({ROW})"
            f" WHERE c.{code_of(column)} = {code} AND c.fatal IN (0, {position})"
        )
    return _with_file(connection, standardised.source, " UNION ALL ".join(parts))


def _with_file(connection: ibis.BaseBackend, source: str, rows: str) -> str:
    # where a source has several files, the number of a row is that within its own
    rest = f'q.{ROW} % {PART_ROWS} AS "row", "column", rule, outcome, masked_value'
    if FILE not in connection.table(source).columns:
        return f'SELECT "table", source, {rest} FROM ({rows}) q'
    files = f"SELECT DISTINCT {ROW} // {PART_ROWS} AS part, {FILE} AS file FROM {quote_identifier(source)}"
    place = "source || ': ' || f.file AS source"
    return (
        f'SELECT "table", {place}, {rest} FROM ({rows}) q JOIN ({files}) f ON q.{ROW} // {PART_ROWS} = f.part'
    )


def census(connection: ibis.BaseBackend, known: Collection[str]) -> pd.DataFrame:
    """Count what the clean tables hold, in one row; what belongs to a table the company lacks is empty."""
    none = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in _SOLD.items())
    sold = clean_place("transactions") if "transactions" in known else f"(SELECT {none} LIMIT 0)"
    heard = (
        clean_place("communications") if "communications" in known else "(SELECT NULL AS occurred_at LIMIT 0)"
    )
    people = clean_place("customers")
    campaigns = f"(SELECT count(*) FROM {clean_place('campaigns')})" if "campaigns" in known else "NULL"
    contacts = clean_place("campaign_contacts") if "campaign_contacts" in known else "(SELECT 1 LIMIT 0)"
    has = "campaign_contacts" in known
    counts = ("count(DISTINCT customer_id)", "count(DISTINCT order_id)", "count(*)")
    buyers, orders, lines = counts if "transactions" in known else ["CAST(NULL AS BIGINT)"] * len(counts)
    query = (
        f"SELECT (SELECT count(*) FROM {people}) AS customers, {buyers} AS buyers,"
        f" {orders} AS orders, {lines} AS lines, sum(amount) AS sales,"
        " CAST(min(ordered_at) AS DATE) AS first_order, CAST(max(ordered_at) AS DATE) AS last_order,"
        f" max(quantity) AS largest_quantity, {middle_query('quantity', sold)} AS median_quantity,"
        f" {campaigns} AS campaigns,"
        f" (SELECT nullif(count(*), 0) FROM {heard}) AS communications,"
        f" (SELECT CAST(min(occurred_at) AS DATE) FROM {heard}) AS first_communication,"
        f" (SELECT CAST(max(occurred_at) AS DATE) FROM {heard}) AS last_communication,"
        f" (SELECT {'count(*)' if has else 'NULL'} FROM {contacts}) AS contacts,"
        f" (SELECT {'count(DISTINCT customer_id)' if has else 'NULL'} FROM {contacts})"
        " AS customers_contacted,"
        f" (SELECT {'count_if(responded)' if has else 'NULL'} FROM {contacts}) AS responses FROM {sold}"
    )
    frame: pd.DataFrame = connection.raw_sql(query).df()
    return frame


def missing_values(connection: ibis.BaseBackend, standardised: Standardised) -> pd.DataFrame:
    """Count, per mapped column, the rows of the clean table where it should have a value and has none."""
    names = [column.name for column in standardised.columns]
    asked = [_asked(column, names) for column in standardised.columns]
    counts = ", ".join(
        f"count(*){where}, count({quote_identifier(name)}){where}"
        for name, where in zip(names, asked, strict=True)
    )
    query = f"SELECT {counts} FROM {clean_place(standardised.table.name)}"
    found = connection.raw_sql(query).fetchone()
    frame = pd.DataFrame({"table": standardised.table.name, "column": names, "rows": found[::2]})
    frame["missing"] = frame["rows"] - pd.Series(found[1::2])
    frame["share"] = frame["missing"] / frame["rows"].clip(lower=1)
    return frame


def _asked(column: Column, mapped: Collection[str]) -> str:
    """Write SQL for the rows in which a value is expected; nothing where every row should have one."""
    other, value = column.when
    if other not in mapped:
        return ""
    return f" FILTER (CAST({quote_identifier(other)} AS VARCHAR) = {quote_text(value)})"


def sales_bridge(connection: ibis.BaseBackend, standardised: Standardised, merged: str) -> pd.DataFrame:
    """Lead the sales of the source to those of the clean table; a line without a readable amount adds none.

    Returns
    -------
    pd.DataFrame
        `step`, `rows`, `amount`, and `meets`, the lines a step is true of, whatever step before took them:
        read, less each condition of the profile, less quarantined, less merged, clean.
    """
    rows = standardised.converted
    lost = f"(FROM {rows.faulty} WHERE {FATAL} <> 0)"
    stay, gone = rows.kept, quote_identifier(merged)
    last = FIRST_RULE + len(standardised.rules) - 1
    read = f"({' UNION ALL '.join(f'SELECT amount FROM {place}' for place in (stay, gone, lost))})"
    steps = [("read", read, "true", "true")]
    steps += [
        (f"less {declared(name)}", lost, f"{FATAL} = {FIRST_RULE + i}", f"{SET_ASIDE} & {1 << i} <> 0")
        for i, name in enumerate(standardised.rules)
    ]
    other = f"NOT {FATAL} BETWEEN {FIRST_RULE} AND {last}"
    steps += [
        ("less quarantined", lost, other, other),
        ("less merged", gone, "true", "true"),
        ("clean", stay, "true", "true"),
    ]
    query = " UNION ALL ".join(
        f"SELECT {i} AS i, {quote_text(step)} AS step, count(*) FILTER ({counted}) AS rows,"
        f" CAST(coalesce(sum(amount) FILTER ({counted}), 0) AS DECIMAL(18, 4)) AS amount,"
        f" count(*) FILTER ({met}) AS meets FROM {place}"
        for i, (step, place, counted, met) in enumerate(steps)
    )
    ordered = f"SELECT step, rows, amount, meets FROM ({query}) ORDER BY i"
    frame: pd.DataFrame = connection.sql(ordered, dialect="duckdb").to_pandas()
    return frame


def reconciliation(quality: pd.DataFrame) -> pd.DataFrame:
    """Return one row a table: read = clean + quarantined + merged, and what else was counted."""
    lines = quality[quality["rule"] == ALL_ROWS]
    return lines.drop(columns=["rule", "column"]).reset_index(drop=True)


def problems(quality: pd.DataFrame) -> pd.DataFrame:
    """Rank what was found by the harm it does, with what to do.

    Returns
    -------
    pd.DataFrame
        `table`, `column`, `rule`, `rows`, `share` (of the table's rows read and derived), `effect`,
        `advice`; rows lost come before values lost, these before rows kept that mislead, and last what only
        has to be known; within each, the most rows first.
    """
    found = quality[quality["rule"] != ALL_ROWS]
    long = found.melt(["table", "column", "rule"], list(EFFECTS), var_name="effect", value_name="rows")
    long = long[long["rows"] > 0]
    whole = quality[quality["rule"] == ALL_ROWS].set_index("table")
    long["share"] = long["rows"] / long["table"].map(whole["read"] + whole["derived"]).astype(float)
    rules = {name: rule_named(name) for name in long["rule"].unique()}
    long["advice"] = long["rule"].map({name: rule.advice for name, rule in rules.items()})
    informs = long["rule"].map({name: rule.informs for name, rule in rules.items()}).astype(bool)
    order = long.assign(informs=informs, rank=long["effect"].map(EFFECTS.index)).sort_values(
        ["informs", "rank", "rows", "table", "column", "rule"],
        ascending=[True, True, False, True, True, True],
    )
    order["effect"] = order["effect"].str.replace("_", " ")
    return order[["table", "column", "rule", "rows", "share", "effect", "advice"]].reset_index(drop=True)


def _line(standardised: Standardised, rule: str, column: str, **counts: int) -> Line:
    place = {"table": standardised.table.name, "source": standardised.source, "read": standardised.rows}
    return {**place, "rule": rule, "column": column, **dict.fromkeys(EFFECTS, 0), **counts}


def _mask(value: str) -> str:
    # the form tells an analyst what went wrong ("99/99/9999"), the value would tell on a customer
    text = f"left(CAST({value} AS VARCHAR), {LONGEST_MASK})"
    return f"regexp_replace(regexp_replace({text}, '\\d', '9', 'g'), '\\p{{L}}', 'x', 'g')"
