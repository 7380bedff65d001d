"""Look at every source before a run: reachable, what converts, what is personal; nothing is loaded."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
import pandas as pd

from crm_helpers.errors import InputError
from crm_helpers.ingest.archives import PACKED
from crm_helpers.ingest.batches import SET_ASIDE
from crm_helpers.ingest.conversion import MOSTLY
from crm_helpers.ingest.encodings import guess_encoding
from crm_helpers.ingest.fits import declaration
from crm_helpers.ingest.mapping import mapped_columns
from crm_helpers.ingest.personal import personal_columns
from crm_helpers.ingest.places import locate_all
from crm_helpers.ingest.references import lost_references
from crm_helpers.ingest.samples import SAMPLE_ROWS, Sample, convertible, text_of
from crm_helpers.ingest.sentinels import suspects
from crm_helpers.ingest.trial import Trial, emptiness, not_computed, refusal, sampled, trial
from crm_helpers.layout import CompanyFolder
from crm_helpers.profile import AnySource, Profile, Source
from crm_helpers.tables import TABLES

__all__ = ["check"]

UNDECLARED = "XXX"  # ISO 4217: no currency; what `crm new` writes

_EMPTY = {
    "reachable": False,
    "rows": "",
    "columns": 0,
    "used": 0,
    "converts": "",
    "personal": "",
    "advice": "",
}


def check(folder: CompanyFolder, profile: Profile) -> pd.DataFrame:
    """Open each source, read its first rows, and try each mapping on them.

    Parameters
    ----------
    folder
        The company's places.
    profile
        Its sources and mapping.

    Returns
    -------
    pd.DataFrame
        One row a source or mapped table: `what`, `name`, `ok`, `reachable`, `rows` (as far as was looked),
        `columns`, `used`, `converts` (share of the sampled values of a table that convert), `personal`
        (columns that hold personal data), `detail` (empty when all is well, else the key and the way out),
        `advice` (what is no fault and worth a look, a line each).
    """
    samples: dict[str, Sample] = {}
    rows = []
    with tempfile.TemporaryDirectory(prefix="crm-check-") as work:
        for name, source in profile.sources.items():
            try:
                samples[name] = sampled(folder, name, source, Path(work), most=SAMPLE_ROWS)
            except InputError as error:
                rows.append(_row("source", name, detail=f"{error}{_other_encoding(folder, name, source)}"))
            else:
                rows.append(_checked_source(profile, name, samples[name]))
    if profile.currency == UNDECLARED:
        advice = f"currency: it is still {UNDECLARED}; declare it, as EUR or CNY\n"
        rows.append(_row("profile", folder.name, detail="", advice=advice))
    with trial(profile, samples) as tried:
        rows += [_checked_table(tried, table) for table in profile.tables]
    return pd.DataFrame(rows)


def _checked_source(profile: Profile, name: str, sample: Sample) -> dict[str, object]:
    personal = personal_columns(sample.rows)
    held = [f"{column} ({kind})" if kind != column else column for column, kind in personal.items()]
    used = mapped_columns(profile, name, sample.columns)
    return _row(
        "source", name, reachable=True, rows=sample.said, columns=len(sample.columns), used=len(used),
        personal=", ".join(held), detail=emptiness(name, sample),
    )  # fmt: skip


def _other_encoding(folder: CompanyFolder, name: str, source: AnySource) -> str:
    if not isinstance(source, Source) or source.kind not in {"csv", "json", "jsonl", "mongodb"}:
        return ""
    try:
        paths = locate_all(folder, name, source)
    except InputError:
        return ""
    guess = guess_encoding(paths[0]) if paths[0].suffix.lower() not in PACKED else None
    if guess is None or guess[0].removesuffix("-sig") == source.encoding.removesuffix("-sig"):
        return ""
    return f'; it looks like encoding = "{guess[0]}" (score {guess[1]:.2f})'


def _checked_table(tried: Trial, table: str) -> dict[str, object]:
    mapping = tried.profile.tables[table]
    if mapping.source not in tried.samples:
        return _row("table", table, detail=f'tables.{table}: its source "{mapping.source}" cannot be read')
    if table in tried.faults:
        return _row("table", table, reachable=True, detail=tried.faults[table])
    try:
        found = _converting(tried, table)
        found["advice"] += _lost(tried, table)
        found["detail"] = found["detail"] or refusal(tried, table)
    except duckdb.Error:
        return _row("table", table, reachable=True, detail=not_computed(table))
    count = len(mapping.columns)
    return _row("table", table, reachable=True, columns=count, used=count, **found)


def _converting(tried: Trial, table: str) -> dict[str, str]:
    connection, profile, mapped = tried.connection, tried.profile, tried.mapped[table]
    aside = 0
    if SET_ASIDE in mapped.columns:
        aside = int(mapped.filter(mapped[SET_ASIDE] != 0).count().execute())
        mapped = mapped.filter(mapped[SET_ASIDE] == 0)
    given, good, rows = 0, 0, int(mapped.count().execute())
    faults: list[str] = []
    advice = [f"tables.{table}.set_aside: leaves out {aside:,} of {aside + rows:,} sampled rows"] * (
        aside > 0
    )
    for name, origin in profile.tables[table].columns.items():
        column, key = TABLES[table].column(name), f"tables.{table}.columns.{name}"
        present, fine = convertible(connection, mapped, name, column, origin=origin, locale=tried.locale)
        given, good = given + present, good + fine
        if fine < present:
            line = (
                f"{key}: {present - fine:,} of {present:,} sampled values are no {column.type} in its bounds"
            )
            if fine < MOSTLY * present:
                way = declaration(connection, mapped, name, column)
                faults.append(f"{line}; {way or 'map another column or declare how they are written'}")
            else:
                advice.append(line)
        if column.required and present < rows:
            advice.append(
                f"{key}: {rows - present:,} of {rows:,} sampled rows lack it and would be set aside"
            )
        values = (
            f"SELECT {text_of(name, mapped.schema()[name], origin)} AS v FROM ({connection.compile(mapped)})"
        )
        advice += [_suspicion(key, *found) for found in suspects(connection, values, column).items()]
    if "phone" in profile.tables[table].columns and profile.country is None:
        advice.append("country: declare it, as CN or DE, to bring phone numbers without + into one form")
    converts = f"{good / given:.2%}" if given else ""
    return {"converts": converts, "detail": "; ".join(faults), "advice": "".join(f"{a}\n" for a in advice)}


def _suspicion(key: str, word: str, share: float) -> str:
    line = f'{key}: "{word}" stands in {share:.1%} of the values; if it means not known, declare'
    return f'{line} missing = ["{word}"]'


def _lost(tried: Trial, table: str) -> str:
    tables, whole = {table: tried.mapped[table]}, {}
    for target in {target for target, _ in TABLES[table].references.values()} & set(tried.mapped):
        if not tried.profile.tables[target].derive_missing:
            tables[target] = tried.mapped[target]
            whole[target] = tried.samples[tried.profile.tables[target].source].whole
    lines = lost_references(tried.connection, TABLES[table], tables, whole=whole)
    return "".join(f"{line}\n" for line in lines)


def _row(what: str, name: str, *, detail: str, **found: object) -> dict[str, object]:
    return {"what": what, "name": name, "ok": not detail, **_EMPTY, **found, "detail": detail}
