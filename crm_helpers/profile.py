"""A company's `profile.toml`, typed and checked: sources, mapping, language, parameters of pages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import Field, ValidationError, field_validator, model_validator

from crm_helpers.errors import InputError, suggest
from crm_helpers.layout import CompanyFolder
from crm_helpers.lift import LiftTest
from crm_helpers.sources import DatabaseSource, Incremental, RestSource
from crm_helpers.strict import Strict, said_fault
from crm_helpers.tables import DATED, TABLES

__all__ = [
    "AnySource",
    "Bounds",
    "ColumnMapping",
    "Contract",
    "Limit",
    "Needs",
    "Outliers",
    "People",
    "Profile",
    "SegmentRule",
    "SegmentSet",
    "Source",
    "SubjectWords",
    "Survivorship",
    "TableMapping",
    "Totals",
    "load_profile",
]

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]

Decimals = Literal["1,234.56", "1.234,56", "1 234,56", "1'234.56", "1,23,456.78"]
"""How numbers are written in text: the sign between thousands and the sign before decimals."""

LimitedRule = Literal[
    "missing", "unreadable", "out_of_bounds", "not_a_choice", "ragged", "same_key", "same_person", "orphan",
    "contradiction", "derived", "trace", "zero_amount", "returns", "extreme_quantity", "outlier",
    "implausible", "price_jump", "overhang", "identical",
]  # fmt: skip
"""Rules of `cleaning.rules` that a limit can be set for, by their keys."""


class Source(Strict):
    """One file or folder of files, read as it is into `raw/`."""

    kind: Literal["csv", "excel", "json", "jsonl", "mongodb", "parquet"]
    path: str  # a file, a folder, or a pattern as "source/daily/*.csv"; .gz and .zip too
    package: str | None = None
    member: str | None = None  # of a zip: which of its files, as "orders-*.csv"
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'  # empty where the source never quotes
    skip_rows: int = Field(default=0, ge=0)  # lines or rows before the header
    header: tuple[str, ...] = ()  # or words that stand in the header, wherever it is
    ragged: float = Field(default=0, ge=0, lt=1)  # share of rows with a wrong number of values to put aside
    sheet: str | None = None
    incremental: Incremental | None = None  # the files hold what changed since the last ones

    @model_validator(mode="after")
    def _fitting(self) -> Source:
        if self.ragged and self.kind != "csv":
            raise ValueError('ragged is for kind "csv": no other kind has rows that cannot be split')
        if self.ragged and self.incremental:
            raise ValueError("ragged is not for incremental: a row that cannot be split has no key")
        if (self.skip_rows or self.header) and self.kind not in {"csv", "excel"}:
            raise ValueError('skip_rows and header are for the kinds "csv" and "excel"')
        return self


AnySource = Annotated[Source | DatabaseSource | RestSource, Field(discriminator="kind")]
"""Any kind of source; `kind` says which."""


class ColumnMapping(Strict):
    """Where a canonical column comes from: a source column or an SQL expression over the source."""

    column: str | None = None
    sql: str | None = None
    formats: tuple[str, ...] = ()  # as "%d/%m/%Y"; "excel", "unix", "unix ms" for days and times as numbers
    missing: tuple[str, ...] = ()
    decimals: Decimals = "1,234.56"
    timezone: str | None = None  # of times without an offset, where it is not the company's
    whole: bool = False  # an identifier written as 17850.0 is 17850
    yes: tuple[str, ...] = ()  # words for true and false besides the common ones
    no: tuple[str, ...] = ()

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        return zone if zone is None else _zone(zone)

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnMapping:
        if (self.column is None) == (self.sql is None):
            raise ValueError("needs either column or sql")
        return self


MOST_CONDITIONS = 30
_CONDITION = re.compile(r"\w[^\x00-\x1f\x7f]{0,59}")  # a condition's name: it stands in the report

_EVIDENCE = ("name", "phone", "email", "document_id")  # of one person; without any of them nobody is compared

Survivorship = Literal["most recent", "most frequent", "longest", "first"]
"""How one value is chosen from the records of one person."""


class People(Strict):
    """Which customers are one person: whether that is asked, how sure it must be, which value stays."""

    merge: bool | None = None  # when not said: where names, phones, e-mails or documents are mapped
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


class TableMapping(Strict):
    """How one canonical table is made from one source."""

    source: Name
    columns: dict[str, ColumnMapping]
    key: tuple[str, ...] | None = None
    derive_missing: bool = False
    # rows that are not what the table is about, as cancelled orders: by name, a condition over the source
    set_aside: dict[str, str] = Field(default_factory=dict)

    @field_validator("set_aside")
    @classmethod
    def _named(cls, conditions: dict[str, str]) -> dict[str, str]:
        if len(conditions) > MOST_CONDITIONS:
            raise ValueError(f"at most {MOST_CONDITIONS} conditions; join some of them by OR")
        if wrong := [name for name in conditions if not _CONDITION.fullmatch(name)]:
            raise ValueError(
                f"{wrong[0][:60]!r} is no name: it begins with a letter, and has at most 60 signs"
            )
        return conditions

    @field_validator("columns", mode="before")
    @classmethod
    def _plain_names(cls, columns: Any) -> Any:
        if not isinstance(columns, dict):
            return columns
        return {k: {"column": v} if isinstance(v, str) else v for k, v in columns.items()}


class SegmentRule(Strict):
    """One segment of the company's own: its name, and conditions that must all hold."""

    name: Annotated[str, Field(min_length=1)]
    when: tuple[str, ...] = ()  # as "orders >= 5" or 'region in ["North"]'

    @field_validator("when")
    @classmethod
    def _readable(cls, when: tuple[str, ...]) -> tuple[str, ...]:
        # the conditions know pandas: a profile without rules is read without it
        from crm_helpers.conditions import NUMBERS, WORDS, read_condition  # noqa: PLC0415

        for condition in map(read_condition, when):
            _known(condition.feature, condition.feature, WORDS if condition.words else NUMBERS)
        return when


class SegmentSet(Strict):
    """Segments of the company's own, in order: the first whose conditions hold gives the name."""

    rules: Annotated[tuple[SegmentRule, ...], Field(min_length=1)]
    otherwise: str = ""  # name of everybody else; empty where there must be nobody else


class SubjectWords(Strict):
    """Words customers use for one subject: Chinese ones anywhere in a comment, English ones whole."""

    zh: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    en: tuple[Annotated[str, Field(min_length=1)], ...] = ()  # a star stands for any ending: "deliver*"

    @model_validator(mode="after")
    def _some(self) -> SubjectWords:
        if not self.zh and not self.en:
            raise ValueError("needs words in zh, en or both")
        return self


class Needs(Strict):
    """Subjects that customers speak about, beside the general ones."""

    general: bool = True  # whether the subjects of any trade are looked for too
    subjects: dict[Annotated[str, Field(pattern=r"^\w[\w -]{0,39}$")], SubjectWords] = Field(
        default_factory=dict
    )


class Limit(Strict):
    """How large a share of a table's rows may break a rule: above `warn` it is said, above `fail` refused."""

    warn: float = Field(default=1, ge=0, le=1)
    fail: float = Field(default=1, ge=0, le=1)


class Bounds(Strict):
    """What is plausible for one column; values outside are flagged, not removed."""

    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Bounds:
        if self.low is None and self.high is None:
            raise ValueError("needs low, high or both")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("low must not be above high")
        return self


class Outliers(Strict):
    """When a value is far from the others: by its robust z, or by bounds the company declares."""

    robust_z: float = Field(default=5, gt=0)  # of normal values, fewer than one in a million lies beyond 5
    bounds: dict[str, dict[str, Bounds]] = Field(default_factory=dict)  # by table and column

    @model_validator(mode="after")
    def _known_columns(self) -> Outliers:
        for table, columns in self.bounds.items():
            _known(f"bounds.{table}", table, TABLES)
            numbers = [c.name for c in TABLES[table].columns if c.type in {"number", "integer", "money"}]
            for name in columns:
                _known(f"bounds.{table}.{name}", name, numbers)
        return self


class Contract(Strict):
    """Sales by contract: how long one runs, and how late a payment may come before it counts as ended."""

    period_days: float = Field(gt=0, le=3_660)
    grace_days: float = Field(default=7, ge=0, le=366)

    @model_validator(mode="after")
    def _within(self) -> Contract:
        if self.grace_days >= self.period_days:
            raise ValueError("grace_days must be below period_days: the next payment would be due by then")
        return self


class Totals(Strict):
    """What the source itself says it delivers; the quality page holds what was read against it."""

    rows: int | None = Field(default=None, ge=0)
    amount: float | None = None  # sum of the amounts, of transactions only


class Profile(Strict):
    """Everything the workbook must be told about one company."""

    name: str
    language: Literal["en"] = "en"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    timezone: str = "UTC"
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")  # of phone numbers without +
    engine: Literal["duckdb"] = "duckdb"
    sources: dict[Name, AnySource]
    tables: dict[str, TableMapping] = Field(default_factory=dict)
    limits: dict[LimitedRule, Limit] = Field(default_factory=dict)
    pages: dict[str, dict[str, bool | int | float | str]] = Field(default_factory=dict)
    people: People = People()
    segments: dict[Name, SegmentSet] = Field(default_factory=dict)
    needs: Needs = Needs()
    outliers: Outliers = Outliers()
    contract: Contract | None = None  # sales are by contract
    totals: dict[str, Totals] = Field(default_factory=dict)  # by table
    lift_tests: tuple[LiftTest, ...] = ()

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        return _zone(zone)

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
                what = f"map {', '.join(lacking)}, required"
                raise ValueError(f"tables.{table}.columns: {what}: name a source column, or write sql")
        if not self.dated:
            raise ValueError(f"tables: map {' or '.join(DATED)}, one of them at least")
        for table, totals in self.totals.items():
            _known(f"totals.{table}", table, self.tables)
            if totals.amount is not None and table != "transactions":
                raise ValueError(f"totals.{table}.amount: only transactions have an amount")
        if self.people.merge and not self._evidence:
            raise ValueError(f"people.merge: map {' or '.join(_EVIDENCE)} of customers first")
        return self

    @property
    def dated(self) -> tuple[str, ...]:
        """The mapped tables that say when something happened; the first one ends the company's time."""
        return tuple(name for name in DATED if name in self.tables)

    @property
    def merges_people(self) -> bool:
        """Whether customers who are one person become one row."""
        return bool(self._evidence) if self.people.merge is None else self.people.merge

    @property
    def _evidence(self) -> set[str]:
        customers = self.tables.get("customers")
        return set(_EVIDENCE) & set(customers.columns) if customers else set()


def _zone(zone: str) -> str:
    if zone not in available_timezones():
        raise ValueError(f"unknown time zone; {suggest(zone, available_timezones())}")
    return zone


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
        found = error.errors(include_url=False, include_input=False)
        faults = "; ".join(said_fault(Profile, item) for item in found)
        raise InputError(f"{_shown(folder.profile)}: {faults}") from None


def _shown(path: Path) -> str:
    return "/".join(path.parts[-3:])
