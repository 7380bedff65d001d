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
from crm_helpers.ingest.likeness import Guess, best_columns, column_score, table_score
from crm_helpers.ingest.personal import personal_columns
from crm_helpers.ingest.samples import Sample
from crm_helpers.lake import connect, quote_identifier
from crm_helpers.profile import AnySource, Source
from crm_helpers.tables import TABLES, Column, Table

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
        lines += _source_lines(item)
    for table, item in assigned.items():
        with _sampled(item) as sample:
            lines += _table_lines(TABLES[table], item, sample)
    if "transactions" not in assigned:
        lines += ["# No file looks like transactions, the one table nobody can do without: map one.", ""]
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
        if score <= -LEAST_SCORE and table not in found and sources[i] not in found.values():
            found[table] = sources[i]
    return {name: found[name] for name in TABLES if name in found}


@contextmanager
def _sampled(item: FoundSource) -> Iterator[tuple[ibis.BaseBackend, ibis.Table]]:
    connection = connect(Path(tempfile.gettempdir()))
    try:
        yield connection, connection.create_table(item.name, item.sample.rows)
    finally:
        connection.disconnect()


def _source_lines(item: FoundSource) -> list[str]:
    stated = {"kind": item.source.kind} | item.source.model_dump(exclude_defaults=True)
    if isinstance(item.source, Source) and item.source.kind == "csv":
        # detected, and recorded even where it is the default
        stated |= {"encoding": item.source.encoding, "delimiter": item.source.delimiter}
    notes = [f"# {note}" for note in item.notes]
    return [
        *notes,
        f"[sources.{item.name}]",
        *(f"{key} = {_value(value)}" for key, value in stated.items()),
        "",
    ]


def _table_lines(table: Table, item: FoundSource, sample: tuple[ibis.BaseBackend, ibis.Table]) -> list[str]:
    guesses = best_columns(item.columns, table)
    guesses |= _by_values(table, item, guesses)
    lacking = [name for name in table.required_columns if name not in guesses]
    # a table that lacks a required column is no valid profile: transactions must be repaired, others may wait
    mark = "# " if lacking and table.name != "transactions" else ""
    used = {header for header, _ in guesses.values()}
    lines = [f"# {table.meaning}"]
    if lacking:
        lines.append(f"# Not found, and required: {', '.join(lacking)}.")
    lines += [f"{mark}[tables.{table.name}]", f"{mark}source = {_quoted(item.name)}"]
    lines += [f"{mark}[tables.{table.name}.columns]"]
    for column in table.columns:
        lines += _column_lines(column, guesses.get(column.name), mark, sample)
    if table.name == "transactions" and "amount" in lacking:
        lines += _product_line(item)
    lines += [f"# not used: {_quoted(header)}" for header in item.columns if header not in used]
    return [*lines, ""]


def _product_line(item: FoundSource) -> list[str]:
    parts = []
    for wanted in ("quantity", "unit_price"):
        score, header = max(((column_score(h, wanted), h) for h in item.columns), default=(0.0, ""))
        if score < BY_VALUES:
            return []
        parts.append(f"CAST({quote_identifier(header)} AS DECIMAL(18, 4))")
    # proposed only: whether discounts and taxes are in the price, nobody but the company knows
    return [f"# amount = {{ sql = {_quoted(' * '.join(parts))} }}  # score 0.60: quantity times unit price"]


def _by_values(table: Table, item: FoundSource, guesses: dict[str, Guess]) -> dict[str, Guess]:
    taken = {header for header, _ in guesses.values()}
    kinds = personal_columns(item.sample.rows)
    found: dict[str, Guess] = {}
    for column in table.columns:
        headers = [h for h, kind in kinds.items() if column.form and kind == column.form and h not in taken]
        if column.name not in guesses and headers:
            found[column.name] = (headers[0], BY_VALUES)
    return found


def _column_lines(
    column: Column, guess: Guess | None, mark: str, sample: tuple[ibis.BaseBackend, ibis.Table]
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
    return [*notes, f"{mark}{column.name} = {origin}  # {_said_score(score, fit)}: {column.meaning}"]


def _said_score(score: float, fit: Fit) -> str:
    why = (
        " by its values"
        if score == BY_VALUES
        else f", {fit.share:.0%} of the values convert"
        if fit.share < 1
        else ""
    )
    return f"score {score * fit.share:.2f}{why}"


def _value(value: object) -> str:
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_quoted, value))}]"
    return _quoted(value)


def _quoted(text: object) -> str:
    # JSON's escapes are TOML's; a lone DEL is the one character TOML also wants escaped
    return json.dumps(str(text), ensure_ascii=False).replace("\x7f", "\\u007f")
