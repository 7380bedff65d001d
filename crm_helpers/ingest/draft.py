"""Write a profile for sources whose mapping is guessed: each guess with its score, nothing left unsaid."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from crm_helpers.ingest.likeness import best_columns, table_score
from crm_helpers.profile import AnySource
from crm_helpers.tables import TABLES, Column, Table

__all__ = ["FoundSource", "draft_profile"]

LEAST_SCORE = 1.0  # of a source for a table: most of its required columns, or its name and a part of them


@dataclass(frozen=True)
class FoundSource:
    """One source of a file, and the columns it has."""

    name: str
    source: AnySource
    columns: tuple[str, ...]


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
        f"# Guessed by `crm new {name}` from the headers of files. Correct it, then run `crm check {name}`.",
        "# A score of 1 is the workbook's own name, 0.9 another word for it, less is likeness of letters.",
        f"name = {_quoted(name)}",
        'currency = "XXX"  # not guessed: three letters, as EUR or CNY',
        'timezone = "UTC"  # not guessed: the zone the times are written in, as Europe/Berlin',
        "",
    ]
    for item in sources:
        lines += _source_lines(item)
    for table, item in assigned.items():
        lines += _table_lines(TABLES[table], item)
    if "transactions" not in assigned:
        lines += ["# No file looks like transactions, the one table nobody can do without: map one.", ""]
    unused = [item.name for item in sources if item not in assigned.values()]
    lines += [f"# The source {name} feeds no table yet." for name in unused]
    return "\n".join([*lines, "", *_other_kinds()]).rstrip() + "\n"


def _other_kinds() -> list[str]:
    text = (Path(__file__).parent / "other_sources.toml").read_text(encoding="utf-8")
    shown = [f"# {line}".rstrip() for line in text.splitlines()]
    return ["# Other kinds of sources, to be copied from here without the first `# `:", "#", *shown]


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


def _source_lines(item: FoundSource) -> list[str]:
    stated = {"kind": item.source.kind} | item.source.model_dump(exclude_defaults=True)
    return [f"[sources.{item.name}]", *(f"{key} = {_quoted(value)}" for key, value in stated.items()), ""]


def _table_lines(table: Table, item: FoundSource) -> list[str]:
    guesses = best_columns(item.columns, table)
    lacking = [name for name in table.required_columns if name not in guesses]
    # a table that lacks a required column is no valid profile: transactions must be repaired, others may wait
    mark = "# " if lacking and table.name != "transactions" else ""
    used = {header for header, _ in guesses.values()}
    lines = [f"# {table.meaning}"]
    if lacking:
        lines.append(f"# Not found, and required: {', '.join(lacking)}.")
    lines += [f"{mark}[tables.{table.name}]", f"{mark}source = {_quoted(item.name)}"]
    lines += [f"{mark}[tables.{table.name}.columns]"]
    lines += [_column_line(column, guesses, mark) for column in table.columns]
    lines += [f"# not used: {_quoted(header)}" for header in item.columns if header not in used]
    return [*lines, ""]


def _column_line(column: Column, guesses: dict[str, tuple[str, float]], mark: str) -> str:
    if column.name in guesses:
        header, score = guesses[column.name]
        return f"{mark}{column.name} = {_quoted(header)}  # score {score:.2f}: {column.meaning}"
    need = "required" if column.required else "not found"
    return f'# {column.name} = ""  # {need}: {column.meaning}'


def _quoted(text: object) -> str:
    # JSON's escapes are TOML's; a lone DEL is the one character TOML also wants escaped
    return json.dumps(str(text), ensure_ascii=False).replace("\x7f", "\\u007f")
