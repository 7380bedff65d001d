"""Write a profile for sources whose mapping is guessed: each guess with its score, nothing left unsaid."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from crm_helpers.ingest.guesses import GuessedColumn, GuessedTable, guess_table
from crm_helpers.ingest.likeness import table_score
from crm_helpers.ingest.proposals import proposed_columns, toml_text
from crm_helpers.ingest.samples import Sample
from crm_helpers.profile import AnySource, Source
from crm_helpers.sources import DatabaseSource
from crm_helpers.tables import DATED, TABLES, Column, Table

__all__ = ["FoundSource", "draft_profile"]

ONE_SOURCE = "A table has one source: put files of the same columns into one folder, and name it in path."
LEAST_SCORE = 1.0  # of a source for a table: most of its required columns, or its name and a part of them


@dataclass(frozen=True)
class FoundSource:
    """One source of a file: its first rows, and what was guessed of the way it is written."""

    title: str  # of the file, sheet or table
    source: AnySource
    sample: Sample = field(compare=False)
    notes: tuple[str, ...] = ()
    name: str = ""  # in the profile

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
    body, currencies = _body(sources, assigned)
    lines = [
        f"# Guessed by `crm new {name}` from headers and values. Correct it, then run `crm check {name}`.",
        "# A score of 1 is the workbook's own name, 0.9 another word for it, less is likeness of letters;",
        "# values that do not convert to the column's type lower it by their share.",
        f"name = {toml_text(name)}",
        _currency_line(currencies),
        'timezone = "UTC"  # not guessed: the zone the times are written in, as Europe/Berlin',
        "",
    ]
    return "\n".join([*lines, *body, "", *_other_kinds()]).rstrip() + "\n"


def _body(sources: list[FoundSource], assigned: dict[str, FoundSource]) -> tuple[list[str], frozenset[str]]:
    guessed = {name: guess_table(TABLES[name], item.sample.rows) for name, item in assigned.items()}
    dated = next((name for name in DATED if name in assigned), "")
    lines: list[str] = []
    for item in sources:
        lines += _source_lines(item, used=item in assigned.values())
    for name, item in assigned.items():
        lines += _table_lines(TABLES[name], item, guessed[name], needed=name == dated)
    if not dated:
        lines += [f"# Nothing looks like {' or '.join(DATED)}; one of them must be mapped.", ""]
    lines += [_unused_line(i, assigned.values()) for i in sources if i not in assigned.values()]
    return lines, frozenset[str]().union(*(guess.currencies for guess in guessed.values()))


def _currency_line(found: frozenset[str]) -> str:
    if len(found) == 1:
        return (
            f'currency = "{min(found)}"  # guessed by the sign in the amounts, which other countries use too'
        )
    return 'currency = "XXX"  # not guessed: three letters, as EUR or CNY'


def _other_kinds() -> list[str]:
    text = (Path(__file__).parent / "other_sources.toml").read_text(encoding="utf-8")
    shown = [f"# {line}".rstrip() for line in text.splitlines()]
    return ["# Every kind of source, to be copied from here without the first `# `:", "#", *shown]


def _assigned(sources: list[FoundSource]) -> dict[str, FoundSource]:
    scored = sorted(
        (-table_score(item.title, list(item.columns), table), i, table.name)
        for i, item in enumerate(sources)
        for table in TABLES.values()
    )
    found: dict[str, FoundSource] = {}
    for score, i, table in scored:
        item, taken = sources[i], found.values()
        # what has the columns of a source that feeds a table is more of the same, and no other table
        free = table not in found and item.sample.rows.num_rows and not _twin(item, taken)
        if score <= -LEAST_SCORE and item not in taken and free:
            found[table] = item
    return {name: found[name] for name in TABLES if name in found}


def _twin(item: FoundSource, others: Iterable[FoundSource]) -> FoundSource | None:
    return next((other for other in others if other != item and other.columns == item.columns), None)


def _unused_line(item: FoundSource, used: Iterable[FoundSource]) -> str:
    twin = _twin(item, used)
    line = f"# The source {item.name} feeds no table yet"
    if twin is None:
        return f"{line}."
    return f"{line}: it has the columns of {twin.name}. {ONE_SOURCE}"


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


def _table_lines(table: Table, item: FoundSource, guessed: GuessedTable, *, needed: bool) -> list[str]:
    lacking = [name for name in table.required_columns if name not in guessed.columns]
    # a table that lacks a required column is no valid profile: the needed one must be repaired, others wait
    mark = "# " if lacking and not needed else ""
    origins = {name: guess.header for name, guess in guessed.columns.items()}
    proposals = proposed_columns(table, item.columns, origins)
    lines = [f"# {table.meaning}"]
    if lacking:
        lines.append(f"# Not found, and required: {', '.join(lacking)}.")
    lines += [f"{mark}[tables.{table.name}]", f"{mark}source = {toml_text(item.name)}"]
    if table.name == "customers":
        lines.append("# derive_missing = true  # whoever is known by orders or contacts only counts too")
    lines += [f"{mark}[tables.{table.name}.columns]"]
    for column in table.columns:
        lines += _column_lines(column, guessed.columns.get(column.name), mark)
        lines += [proposals[column.name]] if column.name in proposals else []
    unused = [header for header in item.columns if header not in origins.values()]
    return [*lines, *(f"# not used: {toml_text(header)}" for header in unused), *guessed.rules, ""]


def _column_lines(column: Column, guess: GuessedColumn | None, mark: str) -> list[str]:
    if guess is None:
        need = "required" if column.required else "not found"
        return [f'# {column.name} = ""  # {need}: {column.meaning}']
    notes = [f"# {note}" for note in guess.fit.notes]
    origin = toml_text(guess.header)
    if guess.fit.declared:
        keys = ", ".join(f"{key} = {_value(value)}" for key, value in guess.fit.declared.items())
        origin = f"{{ column = {origin}, {keys} }}"
    return [*notes, f"{mark}{column.name} = {origin}  # {guess.said}: {column.meaning}"]


def _value(value: object) -> str:
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_text, value))}]"
    return toml_text(value)
