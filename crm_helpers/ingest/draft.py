"""Write a profile for sources whose mapping is guessed: each guess with its score, nothing left unsaid."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import ibis

from crm_helpers.ingest.fits import Fit, fit_values
from crm_helpers.ingest.likeness import Guess, best_columns, table_score
from crm_helpers.ingest.personal import personal_columns
from crm_helpers.ingest.proposals import proposed_columns, proposed_rules
from crm_helpers.ingest.samples import Sample
from crm_helpers.lake import connect, quote_identifier
from crm_helpers.profile import AnySource, Source
from crm_helpers.sources import DatabaseSource
from crm_helpers.tables import DATED, TABLES, Column, Table

__all__ = ["FoundSource", "draft_profile"]

BY_VALUES = 0.65  # score of a guess that no header supports
LEAST_SCORE = 1.0  # of a source for a table: most of its required columns, or its name and a part of them


@dataclass(frozen=True)
class FoundSource:
    """One source of a file: its first rows, and what was guessed of the way it is written."""

    name: str
    source: AnySource
    sample: Sample = field(compare=False)
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns, without the workbook's own."""
        return self.sample.columns


def draft_profile(name: str, sources: list[FoundSource]) -> str:
    """Write a `profile.toml` for a person to correct.

    Parameters
    ----------
    name
        The company's folder name.
    sources
        What was found in its files.

    Returns
    -------
    str
        TOML: each table made of the source most like it, each guess with its score, columns and sources
        that feed nothing as comments.
    """
    assigned = _assigned(sources)
    lines = [
        f"# Guessed by `crm new {name}` from headers and values. Correct it, then run `crm check {name}`.",
        "# A score of 1 is the workbook's own name, 0.9 another word for it, less is likeness of letters;",
        "# values that do not convert to the column's type lower it by their share.",
        f"name = {_quoted(name)}",
        'currency = "XXX"  # not guessed: three letters, as EUR or CNY',
        'timezone = "UTC"  # not guessed: the zone the times are written in, as Europe/Berlin',
        "",
    ]
    for item in sources:
        lines += _source_lines(item, used=item in assigned.values())
    dated = next((table for table in DATED if table in assigned), "")
    for table, item in assigned.items():
        with _sampled(item) as sample:
            lines += _table_lines(TABLES[table], item, sample, needed=table == dated)
    if not dated:
        lines += [f"# Nothing looks like {' or '.join(DATED)}; one of them must be mapped.", ""]
    unused = [item.name for item in sources if item not in assigned.values()]
    lines += [f"# The source {name} feeds no table yet." for name in unused]
    return "\n".join([*lines, "", *_other_kinds()]).rstrip() + "\n"


def _other_kinds() -> list[str]:
    text = (Path(__file__).parent / "other_sources.toml").read_text(encoding="utf-8")
    shown = [f"# {line}".rstrip() for line in text.splitlines()]
    return ["# Every kind of source, to be copied from here without the first `# `:", "#", *shown]


def _assigned(sources: list[FoundSource]) -> dict[str, FoundSource]:
    scored = sorted(
        (-table_score(item.name, list(item.columns), table), i, table.name)
        for i, item in enumerate(sources)
        for table in TABLES.values()
    )
    found: dict[str, FoundSource] = {}
    for score, i, table in scored:
        free = table not in found and sources[i] not in found.values() and sources[i].sample.rows.num_rows
        if score <= -LEAST_SCORE and free:
            found[table] = sources[i]
    return {name: found[name] for name in TABLES if name in found}


@contextmanager
def _sampled(item: FoundSource) -> Iterator[tuple[ibis.BaseBackend, ibis.Table]]:
    connection = connect(Path(tempfile.gettempdir()))
    try:
        yield connection, connection.create_table(item.name, item.sample.rows)
    finally:
        connection.disconnect()


def _source_lines(item: FoundSource, *, used: bool) -> list[str]:
    stated = {"kind": item.source.kind} | item.source.model_dump(exclude_defaults=True)
    if isinstance(item.source, Source) and item.source.kind == "csv":
        # detected, and recorded even where it is the default
        stated |= {"encoding": item.source.encoding, "delimiter": item.source.delimiter}
    notes = [f"# {note}" for note in item.notes]
    # a database has tables of all kinds: what feeds nothing is not read, and an empty table stops a run
    mark = "" if used or not isinstance(item.source, DatabaseSource) else "# "
    if mark:
        notes += [
            f"# Not read: {'it feeds no table yet' if item.sample.rows.num_rows else 'it has no rows'}."
        ]
    return [
        *notes,
        f"{mark}[sources.{item.name}]",
        *(f"{mark}{key} = {_value(value)}" for key, value in stated.items()),
        "",
    ]


def _table_lines(
    table: Table, item: FoundSource, sample: tuple[ibis.BaseBackend, ibis.Table], *, needed: bool
) -> list[str]:
    guesses = best_columns(item.columns, table)
    by_values = _by_values(table, item, guesses, sample)
    guesses |= by_values
    lacking = [name for name in table.required_columns if name not in guesses]
    # a table that lacks a required column is no valid profile: the needed one must be repaired, others wait
    mark = "# " if lacking and not needed else ""
    used = {header for header, _ in guesses.values()}
    proposals = proposed_columns(table, item.columns, guesses)
    lines = [f"# {table.meaning}"]
    if lacking:
        lines.append(f"# Not found, and required: {', '.join(lacking)}.")
    lines += [f"{mark}[tables.{table.name}]", f"{mark}source = {_quoted(item.name)}"]
    lines += [f"{mark}[tables.{table.name}.columns]"]
    for column in table.columns:
        why = " by its values" if column.name in by_values else ""
        lines += _column_lines(column, guesses.get(column.name), mark, sample, why=why)
        lines += [proposals[column.name]] if column.name in proposals else []
    lines += [f"# not used: {_quoted(header)}" for header in item.columns if header not in used]
    lines += proposed_rules(table, item.columns, guesses, sample)
    return [*lines, ""]


def _by_values(
    table: Table, item: FoundSource, guesses: dict[str, Guess], sample: tuple[ibis.BaseBackend, ibis.Table]
) -> dict[str, Guess]:
    taken = {header for header, _ in guesses.values()}
    kinds = personal_columns(item.sample.rows)
    found: dict[str, Guess] = {}
    for column in table.columns:
        headers = [h for h, kind in kinds.items() if column.form and kind == column.form and h not in taken]
        if column.required and column.type == "datetime" and column.name not in guesses:
            moments = [h for h in item.columns if h not in taken and _holds_moments(h, column, sample)]
            headers = moments if len(moments) == 1 else []  # of several, nobody but a person can choose
        if column.name not in guesses and headers:
            found[column.name] = (headers[0], BY_VALUES)
    return found


def _holds_moments(header: str, column: Column, sample: tuple[ibis.BaseBackend, ibis.Table]) -> bool:
    connection, rows = sample
    text = f"CAST({quote_identifier(header)} AS VARCHAR)"
    query = f"SELECT count({text}), count(TRY_CAST({text} AS DOUBLE)) FROM ({connection.compile(rows)})"
    given, numbers = connection.raw_sql(query).fetchone()
    return bool(given) and not numbers and fit_values(connection, rows, header, column).share == 1


def _column_lines(
    column: Column, guess: Guess | None, mark: str, sample: tuple[ibis.BaseBackend, ibis.Table], *, why: str
) -> list[str]:
    if guess is None:
        need = "required" if column.required else "not found"
        return [f'# {column.name} = ""  # {need}: {column.meaning}']
    header, score = guess
    fit = fit_values(*sample, header, column)
    notes = [f"# {note}" for note in fit.notes]
    origin = _quoted(header)
    if fit.declared:
        keys = ", ".join(f"{key} = {_value(value)}" for key, value in fit.declared.items())
        origin = f"{{ column = {origin}, {keys} }}"
    return [*notes, f"{mark}{column.name} = {origin}  # {_said_score(score, fit, why)}: {column.meaning}"]


def _said_score(score: float, fit: Fit, why: str) -> str:
    part = f", {fit.share:.0%} of the values convert" if fit.share < 1 else ""
    return f"score {score * fit.share:.2f}{why}{part}"


def _value(value: object) -> str:
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_quoted, value))}]"
    return _quoted(value)


def _quoted(text: object) -> str:
    # JSON's escapes are TOML's; a lone DEL is the one character TOML also wants escaped
    return json.dumps(str(text), ensure_ascii=False).replace("\x7f", "\\u007f")
