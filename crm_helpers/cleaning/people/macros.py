"""Conditions of the comparisons as functions of the engine, so that Splink has names to read and not pages.

Splink parses and normalises every condition again for each query and each training: of conditions written
out, that costs more than twenty thousand customers do. The engine puts them in place itself, at no cost.
"""

from __future__ import annotations

import re
from typing import Any

import ibis

__all__ = ["name_conditions"]

_SIDED = re.compile(r"\b\w+_[lr]\b")
_PLAIN = re.compile(r"(\w+)_l = \1_r|ELSE")  # Splink looks for these: they must stay as they are


def name_conditions(connection: ibis.BaseBackend, settings: dict[str, Any]) -> dict[str, Any]:
    """Create a function of the engine for each condition that is more than an equality.

    Parameters
    ----------
    connection
        The engine.
    settings
        Splink's settings.

    Returns
    -------
    dict
        The settings, with calls of these functions.
    """
    comparisons = [
        comparison
        | {
            "comparison_levels": [
                level | {"sql_condition": _named(connection, level["sql_condition"], f"{name}_{place}")}
                for place, level in enumerate(comparison["comparison_levels"])
            ]
        }
        for comparison in settings["comparisons"]
        for name in [comparison["output_column_name"]]
    ]
    return settings | {"comparisons": comparisons}


def _named(connection: ibis.BaseBackend, condition: str, name: str) -> str:
    if _PLAIN.fullmatch(condition):
        return condition
    columns = ", ".join(sorted(set(_SIDED.findall(condition))))
    connection.raw_sql(f"CREATE TEMP MACRO at_{name}({columns}) AS ({condition})")
    return f"at_{name}({columns})"
