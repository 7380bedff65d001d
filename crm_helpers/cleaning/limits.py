"""Hold what the rules cost against the limits of the profile: said above one, refused above the other."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from crm_helpers.cleaning.rules import ALL_ROWS, rule_named
from crm_helpers.errors import InputError
from crm_helpers.profile import Limit, LimitedRule

__all__ = ["exceeded", "refuse_exceeded"]

_EFFECTS = ["quarantined", "merged", "set_missing", "flagged", "derived"]
_COLUMNS = ["table", "column", "rule", "rows", "share", "limit", "level"]


def exceeded(quality: pd.DataFrame, limits: Mapping[LimitedRule, Limit]) -> pd.DataFrame:
    """List the rules that bit in a larger share of a table's rows than the profile allows.

    Parameters
    ----------
    quality
        One row a table and rule, with the rows each rule touched.
    limits
        By key of a rule: `warn` and `fail`, shares of the rows read of a table.

    Returns
    -------
    pd.DataFrame
        `table`, `column`, `rule`, `rows`, `share`, `limit` (the higher one that was exceeded) and `level`
        (`warn` or `fail`), the worst first.

    Examples
    --------
    >>> quality = pd.DataFrame({
    ...     "table": ["t", "t"], "rule": ["every row", "value cannot be read"], "column": ["", "amount"],
    ...     "read": [200, 200], "quarantined": [3, 3],
    ...     "merged": 0, "set_missing": 0, "flagged": 0, "derived": 0})
    >>> exceeded(quality, {"unreadable": Limit(warn=0.01, fail=0.5)})[["column", "rows", "share", "level"]]
       column  rows  share level
    0  amount     3  0.015  warn
    """
    found = []
    keyed = {str(key): limit for key, limit in limits.items()}
    for line in quality[quality["rule"] != ALL_ROWS].to_dict("records"):
        limit = keyed.get(rule_named(str(line["rule"])).key)
        rows = sum(int(line[effect]) for effect in _EFFECTS)
        share = rows / max(int(line["read"]), 1)
        if limit and share > min(limit.warn, limit.fail):
            level = "fail" if share > limit.fail else "warn"
            place = {name: line[name] for name in ("table", "column", "rule")}
            found.append(
                place | {"rows": rows, "share": share, "limit": getattr(limit, level), "level": level}
            )
    frame = pd.DataFrame(found, columns=_COLUMNS)
    return frame.sort_values(
        ["level", "share", "table", "column"], ascending=[True, False, True, True]
    ).reset_index(drop=True)


def refuse_exceeded(quality: pd.DataFrame, limits: Mapping[LimitedRule, Limit]) -> None:
    """Raise `InputError` when a rule bit more often than its `fail` limit allows, naming every such rule."""
    over = exceeded(quality, limits)
    faults = [
        f"{'.'.join(filter(None, (row['table'], row['column'])))}: {row['rule']} in {row['rows']:,} rows"
        f" ({row['share']:.2%}, allowed {row['limit']:.2%})"
        for row in over[over["level"] == "fail"].to_dict("records")
    ]
    if faults:
        raise InputError(
            f"limits: {'; '.join(faults)}; nothing was published: correct the source, or raise fail in"
            " [limits]"
        )
