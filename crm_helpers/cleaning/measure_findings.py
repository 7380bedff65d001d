"""What the quality page says of what was measured: dimensions, references, outliers, returns, segments."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from crm_helpers.analysis.segments.missing_segments import missing_by_segment, widest_gap
from crm_helpers.cleaning.dimensions import DIMENSIONS, timeliness
from crm_helpers.cleaning.findings import Said
from crm_helpers.cleaning.references import REFERENCE
from crm_helpers.cleaning.result import CleanResult
from crm_helpers.cleaning.returns import FREE, MATCHED, NET, SOLD
from crm_helpers.lake import connect, read_clean
from crm_helpers.profile import Profile

__all__ = [
    "control_totals",
    "dimension_sentence",
    "dimensions",
    "grain_sentence",
    "missed_totals",
    "moved_sentence",
    "net_sales",
    "outlier_sentence",
    "reference_sentence",
    "reference_table",
    "returns_sentence",
    "sales_sentences",
    "segment_gaps",
    "segment_sentence",
    "segment_table",
    "shortfalls",
    "unused_sentence",
]

MOVED = 0.0005  # smaller changes of a share are not called better or worse
_SEGMENT_PAGE = "03_segmentation"


def sales_sentences(result: CleanResult) -> list[Said]:
    """Say the grain of the sales and what came back; nothing where nothing was sold."""
    return [] if result.sales.empty else [grain_sentence(result), returns_sentence(result)]


def dimensions(result: CleanResult, *, as_of: date, before: pd.DataFrame) -> pd.DataFrame:
    """Put all five dimensions of all tables together, beside those of the report before.

    Parameters
    ----------
    result
        What cleaning found.
    as_of
        The day the numbers stand for.
    before
        The table `quality_dimensions` of the report before; empty when there is none.

    Returns
    -------
    pd.DataFrame
        The table `quality_dimensions`, by table and dimension.
    """
    timely = timeliness(result.measures["arrivals"], as_of)
    inner = result.measures["quality_dimensions"].drop(
        columns=["newest", "age_days", "share_before", "change"]
    )
    both = pd.concat([inner, timely.assign(share=timely["good"] / timely["cases"])], ignore_index=True)
    earlier = before.set_index(["table", "dimension"])["share"].astype(float)
    places = pd.MultiIndex.from_frame(both[["table", "dimension"]])
    both["share_before"] = earlier.reindex(places).to_numpy()
    both["change"] = both["share"] - both["share_before"]
    tables = list(dict.fromkeys(inner["table"]))
    order = both.assign(
        place=both["table"].map(tables.index), part=both["dimension"].map(DIMENSIONS.index)
    ).sort_values(["place", "part"])
    return order.drop(columns=["place", "part"]).reset_index(drop=True)


def shortfalls(found: pd.DataFrame) -> pd.DataFrame:
    """Return the measures below 100%, and those that moved, the worst first."""
    lacking = found.assign(
        lacking=1 - found["share"], wrong=found["cases"] - found["good"], before=1 - found["share_before"]
    )
    bad = lacking[(lacking["wrong"] > 0) | (lacking["change"].abs() > MOVED)]
    ordered = bad.sort_values(["share", "table", "dimension"])
    names = ["table", "dimension", "lacking", "wrong", "cases", "cases_of", "before"]
    return ordered[names].dropna(axis="columns", how="all")


def dimension_sentence(found: pd.DataFrame) -> Said:
    """Say how many measures are flawless, and which is the weakest."""
    worst = found.sort_values(["share", "table", "dimension"]).iloc[0]
    if worst["share"] == 1:
        return "cleaning.flawless", {"n": len(found)}
    good = int((found["share"] >= 0.99).sum())
    return "cleaning.dimensions", {
        "good": good, "n": len(found), "dimension": worst["dimension"], "table": _words(worst["table"]),
        "share": float(worst["share"]),
    }  # fmt: skip


def moved_sentence(found: pd.DataFrame, day: date | None) -> Said:
    """Say what moved since the report before."""
    if day is None or found["change"].isna().all():
        return "cleaning.first_measured", {}
    moved = found[found["change"].abs() > MOVED]
    if moved.empty:
        return "cleaning.not_moved", {"day": day}
    most = moved.iloc[int(moved["change"].abs().to_numpy().argmax())]
    return "cleaning.moved", {
        "day": day, "worse": int((moved["change"] < 0).sum()), "better": int((moved["change"] > 0).sum()),
        "dimension": most["dimension"], "table": _words(most["table"]),
        "before": float(most["share_before"]), "now": float(most["share"]),
    }  # fmt: skip


def grain_sentence(result: CleanResult) -> Said:
    """Say whether a row of transactions is a line of an order or a whole order."""
    lines, orders = int(result.census["lines"].iloc[0]), int(result.census["orders"].iloc[0])
    return ("cleaning.grain_orders", {"orders": orders}) if lines == orders else (
        "cleaning.grain_lines", {"lines": lines, "orders": orders}
    )  # fmt: skip


def returns_sentence(result: CleanResult) -> Said:
    """Say how much came back, and how much of it is led to a purchase."""
    steps = result.measures["returns"].set_index("step")
    back = steps.drop(index=[SOLD, FREE, NET], errors="ignore")
    if back.empty:
        return "cleaning.no_returns", {}
    money, matched = float(back["amount"].sum()), float(back["amount"].reindex(MATCHED).fillna(0).sum())
    return "cleaning.returns", {
        "lines": int(back["lines"].sum()), "money": -money, "matched": matched / money,
        "share": -money / (float(steps["amount"].get(SOLD, 0)) or 1),
    }  # fmt: skip


def net_sales(result: CleanResult) -> bool:
    """Say whether sales less returns are the sales of the clean table, to the last digit."""
    if result.sales.empty:
        return True
    steps = result.measures["returns"].set_index("step")["amount"]
    return bool(
        steps.drop(index=NET).sum() == steps[NET] == result.sales.set_index("step")["amount"]["clean"]
    )


def control_totals(result: CleanResult, profile: Profile) -> pd.DataFrame:
    """Hold what was read against the totals that the profile declares of the sources.

    Returns
    -------
    pd.DataFrame
        `total`, `declared`, `found`, `difference`; no row where none is declared.
    """
    read = result.reconciliation.set_index("table")["read"]
    sales = float(result.sales.set_index("step")["amount"].get("read", 0))
    rows = [
        (f"{table}: {what}", float(declared), float(read[table]) if what == "rows" else sales)
        for table, totals in profile.totals.items()
        for what, declared in totals.model_dump(exclude_none=True).items()
    ]
    frame = pd.DataFrame(rows, columns=["total", "declared", "found"])
    return frame.assign(difference=(frame["found"] - frame["declared"]).round(2))


def missed_totals(result: CleanResult, profile: Profile) -> list[str]:
    """Name the declared totals that what was read does not add up to."""
    totals = control_totals(result, profile)
    return totals.loc[totals["difference"] != 0, "total"].tolist()


def outlier_sentence(result: CleanResult, robust_z: float) -> Said:
    """Say how many values lie far out, and in which column most."""
    found = result.measures["outliers"]
    outside = (found["below"] + found["above"]).astype(int)
    if not outside.sum():
        return "cleaning.no_outliers", {"columns": len(found), "z": robust_z}
    worst = found.loc[outside.sort_values(ascending=False, kind="stable").index[0]]
    return "cleaning.outliers", {
        "rows": int(outside.sum()), "z": robust_z, "column": f"{worst['table']}.{worst['column']}",
        "share": float(worst["share"]),
    }  # fmt: skip


def reference_sentence(result: CleanResult) -> Said:
    """Say which reference is the most broken, or that all resolve; near misses come first."""
    found = _references(result)
    if found.empty:
        return "cleaning.no_references", {}
    near = found[found["near_rows"] > 0].sort_values("near_rows", ascending=False)
    if len(near):
        line = near.iloc[0]
        names = {"rows": int(line["near_rows"]), "column": f"{line['table']}.{line['column']}"}
        if pd.isna(line["example"]):
            return "cleaning.near_masked", names
        return "cleaning.near", names | {"example": str(line["example"])}
    worst = found.sort_values("unknown_rows", ascending=False, kind="stable").iloc[0]
    if not worst["unknown_rows"]:
        return "cleaning.references_whole", {"n": len(found)}
    return "cleaning.references", {
        "rows": int(worst["unknown_rows"]), "column": f"{worst['table']}.{worst['column']}",
        "values": int(worst["unknown_values"]),
    }  # fmt: skip


def unused_sentence(result: CleanResult) -> Said:
    """Say what nobody refers to: customers without an order, products never sold."""
    if result.sales.empty:
        return "cleaning.unused_contacts", {}
    orders = result.measures["reference_checks"]
    sold = orders[orders["table"] == "transactions"].set_index("column")
    found = {name: sold["unused_values"].get(f"{name}_id") for name in ("customer", "product")}
    if found["product"] is None:
        return "cleaning.unused_customers", {"customers": int(found["customer"] or 0)}
    return "cleaning.unused", {"customers": int(found["customer"] or 0), "products": int(found["product"])}


def reference_table(result: CleanResult) -> pd.DataFrame:
    """Return the references by name, with what leads nowhere on either side."""
    found = result.measures["reference_checks"]
    named = found["table"] + "." + found["column"] + " → " + found["refers_to"].str.partition(".")[0]
    return pd.concat(
        [named.rename("reference"), found.drop(columns=["table", "column", "refers_to"])], axis=1
    )


def segment_gaps(result: CleanResult, profile: Profile, *, as_of: date) -> pd.DataFrame:
    """Count empty values of customers by segment, by the rules of the segmentation page and its settings."""
    missing = result.missing[(result.missing["table"] == "customers") & (result.missing["missing"] > 0)]
    asked = profile.pages.get(_SEGMENT_PAGE, {})
    settings: Any = {name: asked[name] for name in ("window_days", "scores", "recency") if name in asked}
    connection = connect()
    try:
        customers, sold = (read_clean(connection, result.version, n) for n in ("customers", "transactions"))
        return missing_by_segment(customers, sold, list(missing["column"]), as_of=as_of, **settings)
    finally:
        connection.disconnect()


def segment_sentence(found: pd.DataFrame) -> Said:
    """Say which column is missing for some customers more than for others."""
    widest = widest_gap(found)
    return ("cleaning.segments_alike", {}) if widest is None else ("cleaning.segments_differ", widest)


def segment_table(found: pd.DataFrame) -> pd.DataFrame:
    """Return one row a segment: its customers, and the share of them without each value."""
    names, columns = (list(dict.fromkeys(found[name])) for name in ("segment", "column"))
    sizes = found.drop_duplicates("segment").set_index("segment")["customers"]
    wide = found.pivot_table(index="segment", columns="column", values="share", observed=True)
    table = wide.reindex(names)[columns].rename_axis(columns=None)
    table.insert(0, "customers", sizes.reindex(names))
    return table.reset_index()


def _references(result: CleanResult) -> pd.DataFrame:
    found = result.measures["reference_checks"]
    return found[(found["kind"] == REFERENCE) & (found["rows"] > 0)]


def _words(table: str) -> str:
    return table.replace("_", " ")
