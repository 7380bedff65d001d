"""A company's `profile.toml`, typed and checked: sources, mapping, language, parameters of pages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from crm_helpers.errors import InputError, suggest
from crm_helpers.layout import CompanyFolder
from crm_helpers.tables import TABLES

__all__ = ["ColumnMapping", "People", "Profile", "Source", "Survivorship", "TableMapping", "load_profile"]

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
_ENVIRONMENT = r"^[A-Z][A-Z0-9_]*$"
_CREDENTIALS = re.compile(r"://[^/\s@]*:[^/\s@]+@")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
    """One file or database table, read as it is into `raw/`."""

    kind: Literal["csv", "excel", "jsonl", "parquet", "sql"]
    path: str | None = None
    package: str | None = None
    encoding: str = "utf-8"
    delimiter: str = ","
    sheet: str | None = None
    url: str | None = None
    url_env: str | None = Field(default=None, pattern=_ENVIRONMENT)
    table: str | None = None

    @field_validator("url")
    @classmethod
    def _no_secret(cls, url: str | None) -> str | None:
        if url and _CREDENTIALS.search(url):
            raise ValueError("holds a password: name an environment variable in url_env instead")
        return url

    @model_validator(mode="after")
    def _complete(self) -> Source:
        if self.kind == "sql":
            if (self.url is None) == (self.url_env is None) or self.table is None:
                raise ValueError('kind "sql" needs table, and url or url_env')
        elif self.path is None:
            raise ValueError(f'kind "{self.kind}" needs path')
        return self


class ColumnMapping(_Strict):
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


_EVIDENCE = ("name", "phone", "email")  # of one person; without any of them nobody is compared

Survivorship = Literal["most recent", "most frequent", "longest", "first"]
"""How one value is chosen from the records of one person."""


class People(_Strict):
    """Which customers are one person: whether that is asked, how sure it must be, which value stays."""

    merge: bool | None = None  # when not said: where names, phones or e-mails are mapped
    automatic: float = Field(default=0.99, ge=0.5, lt=1)  # probability from which two rows become one
    review: float = Field(default=0.8, ge=0.5, lt=1)  # probability from which a pair is listed for review
    survivorship: dict[str, Survivorship] = Field(default_factory=dict)  # by column of customers

    @model_validator(mode="after")
    def _consistent(self) -> People:
        if self.review > self.automatic:
            raise ValueError("review must not be above automatic")
        for name in self.survivorship:
            _known(f"survivorship.{name}", name, [column.name for column in TABLES["customers"].columns[1:]])
        return self


class TableMapping(_Strict):
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


class Profile(_Strict):
    """Everything the workbook must be told about one company."""

    name: str
    language: Literal["en"] = "en"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    timezone: str = "UTC"
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")  # of phone numbers without +
    engine: Literal["duckdb"] = "duckdb"
    sources: dict[Name, Source]
    tables: dict[str, TableMapping]
    pages: dict[str, dict[str, bool | int | float | str]] = Field(default_factory=dict)
    people: People = People()

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
        if self.people.merge and not self._evidence:
            raise ValueError(f"people.merge: map {' or '.join(_EVIDENCE)} of customers first")
        return self

    @property
    def merges_people(self) -> bool:
        """Whether customers who are one person become one row."""
        return bool(self._evidence) if self.people.merge is None else self.people.merge

    @property
    def _evidence(self) -> set[str]:
        customers = self.tables.get("customers")
        return set(_EVIDENCE) & set(customers.columns) if customers else set()


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
    place = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{place}: unknown key; {suggest(str(item['loc'][-1]), _keys_beside(item['loc']))}"
    message = item["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def _keys_beside(place: tuple[str | int, ...]) -> list[str]:
    models: dict[int, type[BaseModel]] = {1: Profile}
    if place[0] == "people":
        models[2] = People
    if place[0] == "sources":
        models[3] = Source
    if place[0] == "tables":
        models |= {3: TableMapping, 5: ColumnMapping}
    return list(models.get(len(place), Profile).model_fields)
