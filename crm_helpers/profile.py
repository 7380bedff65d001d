"""A company's `profile.toml`, typed and checked: sources, mapping, language, parameters of pages."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from crm_helpers.errors import InputError, suggest
from crm_helpers.layout import CompanyFolder
from crm_helpers.sources import (
    ApiKey,
    Basic,
    Bearer,
    CursorPaging,
    DatabaseSource,
    Incremental,
    LinkPaging,
    NextUrlPaging,
    OAuth2,
    OffsetPaging,
    PagePaging,
    RestSource,
    Strict,
)
from crm_helpers.tables import TABLES

__all__ = ["AnySource", "ColumnMapping", "Profile", "Source", "TableMapping", "load_profile"]

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class Source(Strict):
    """One file, read as it is into `raw/`."""

    kind: Literal["csv", "excel", "jsonl", "parquet"]
    path: str
    package: str | None = None
    encoding: str = "utf-8"
    delimiter: str = ","
    sheet: str | None = None
    incremental: Incremental | None = None  # the file holds what changed since the last one


AnySource = Annotated[Source | DatabaseSource | RestSource, Field(discriminator="kind")]
"""Any kind of source; `kind` says which."""


class ColumnMapping(Strict):
    """Where a canonical column comes from: a source column or an SQL expression over the source."""

    column: str | None = None
    sql: str | None = None
    formats: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnMapping:
        if (self.column is None) == (self.sql is None):
            raise ValueError("needs either column or sql")
        return self


class TableMapping(Strict):
    """How one canonical table is made from one source."""

    source: Name
    columns: dict[str, ColumnMapping]
    key: tuple[str, ...] | None = None
    derive_missing: bool = False

    @field_validator("columns", mode="before")
    @classmethod
    def _plain_names(cls, columns: Any) -> Any:
        if not isinstance(columns, dict):
            return columns
        return {k: {"column": v} if isinstance(v, str) else v for k, v in columns.items()}


class Profile(Strict):
    """Everything the workbook must be told about one company."""

    name: str
    language: Literal["en"] = "en"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    timezone: str = "UTC"
    engine: Literal["duckdb"] = "duckdb"
    sources: dict[Name, AnySource]
    tables: dict[str, TableMapping]
    pages: dict[str, dict[str, bool | int | float | str]] = Field(default_factory=dict)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"unknown time zone; {suggest(zone, available_timezones())}")
        return zone

    @model_validator(mode="after")
    def _consistent(self) -> Profile:
        for table, mapping in self.tables.items():
            _known(f"tables.{table}", table, TABLES)
            _known(f"tables.{table}.source", mapping.source, self.sources)
            names = [column.name for column in TABLES[table].columns]
            for name in (*mapping.columns, *(mapping.key or ())):
                _known(f"tables.{table}.columns.{name}", name, names)
            lacking = [c for c in TABLES[table].required_columns if c not in mapping.columns]
            if lacking:
                raise ValueError(f"tables.{table}.columns: map {', '.join(lacking)}, required")
        lacking = [t.name for t in TABLES.values() if t.required and t.name not in self.tables]
        if "transactions" in lacking:
            raise ValueError("tables.transactions is missing: it is the one table nobody can do without")
        return self


def _known(place: str, name: str, known: Any) -> None:
    if name not in known:
        raise ValueError(f"{place}: unknown name; {suggest(name, known)}")


def load_profile(folder: CompanyFolder) -> Profile:
    """Read and check a company's profile.

    Parameters
    ----------
    folder
        The company's places.

    Returns
    -------
    Profile
        The checked profile.

    Raises
    ------
    InputError
        When it is not TOML or a key is unknown, missing or wrong; every fault is named at once,
        by key, without its value.
    """
    try:
        content = tomllib.loads(folder.profile.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{_shown(folder.profile)}: not valid TOML: {error}") from None
    try:
        return Profile.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(_fault(item) for item in error.errors(include_url=False, include_input=False))
        raise InputError(f"{_shown(folder.profile)}: {faults}") from None


def _shown(path: Path) -> str:
    return "/".join(path.parts[-3:])


def _fault(item: Any) -> str:
    place = _without_tags(item["loc"])
    shown = ".".join(str(part) for part in place)
    if item["type"] == "extra_forbidden":
        return f"{shown}: unknown key; {suggest(str(place[-1]), _keys_beside(item['loc']))}"
    if item["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        tag, context = item["ctx"]["discriminator"].strip("'"), item["ctx"]
        known = _known_tags(place)
        hint = suggest(context["tag"], known) if "tag" in context else f"known: {', '.join(sorted(known))}"
        return f"{shown}.{tag}: unknown {tag}; {hint}"
    message = item["msg"].removeprefix("Value error, ")
    return f"{shown}: {message}" if shown else message


_TAGS: dict[str, dict[str, type[BaseModel]]] = {
    "": {"csv": Source, "excel": Source, "jsonl": Source, "parquet": Source, "sql": DatabaseSource,
         "rest": RestSource},
    "auth": {"bearer": Bearer, "api_key": ApiKey, "basic": Basic, "oauth2": OAuth2},
    "paging": {"page": PagePaging, "offset": OffsetPaging, "cursor": CursorPaging, "link": LinkPaging,
               "next_url": NextUrlPaging},
}  # fmt: skip
"""Kinds of sources, and of two of their parts; pydantic names them in the place of a fault."""

Place = tuple[str | int, ...]


def _without_tags(place: Place) -> Place:
    if place[:1] != ("sources",) or len(place) < 3:
        return place
    part = place[3:4]
    rest = place[5:] if part and part[0] in _TAGS else place[4:]
    return (*place[:2], *part, *rest)


def _known_tags(place: Place) -> list[str]:
    return list(_TAGS[str(place[2]) if len(place) > 2 else ""])


def _keys_beside(place: Place) -> list[str]:
    models: dict[int, type[BaseModel]] = {1: Profile}
    if place[0] == "sources":
        kind = _TAGS[""].get(str(place[2])) or Profile
        part = _TAGS.get(str(place[3]), {}).get(str(place[4])) if len(place) > 5 else Incremental
        models |= {4: kind, 5: Incremental, 6: part or Profile}
    if place[0] == "tables":
        models |= {3: TableMapping, 5: ColumnMapping}
    return list(models.get(len(place), Profile).model_fields)
