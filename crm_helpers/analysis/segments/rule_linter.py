"""Look for faults in any rule set: gaps, overlaps, dead and contradictory rules, and lines that cut ties."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from crm_helpers.conditions import Condition, RuleSet

__all__ = ["MOST_CELLS", "WHOLE", "lint_rule_set", "lint_with_customers"]

MOST_CELLS = 500_000  # combinations of sides that are looked at
TIES = 0.05  # share of customers who stand exactly on a line
WHOLE = ("orders", "recency_days", "tenure_days", "age")
"""Features that are whole numbers, none below zero."""

_ANOTHER = "another value"


def lint_rule_set(rules: RuleSet) -> pd.DataFrame:
    """Look for faults that no data are needed to see.

    Every number a condition names divides its feature into the values below, on and above it; the
    combinations of all sides are the cells, and in one cell every rule either holds or does not. So
    what is true of all cells is true of all customers.

    Parameters
    ----------
    rules
        The rules; the first that holds gives the name.

    Returns
    -------
    pandas.DataFrame
        One row a fault: `fault` (contradiction, unreachable, overlap, gap, repeated name), `where`. A gap is
        a fault only where the rules give nobody `otherwise` a name (it is empty). An overlap is one only
        between rules of different names, where neither lies within the other: an exception before its rule
        is how such rules are written.

    Raises
    ------
    ValueError
        When the rules name so many numbers that there are more than `MOST_CELLS` combinations.

    Examples
    --------
    >>> from crm_helpers.conditions import Branch, read_condition
    >>> few = Branch("Few", (read_condition("orders < 3"),))
    >>> many = Branch("Many", (read_condition("orders > 3"),))
    >>> lint_rule_set(RuleSet((few, many), "")).values.tolist()
    [['gap', 'orders = 3']]
    """
    cells = _cells(rules)
    holding = np.array([branch.holds(cells) for branch in rules.branches]).reshape(-1, len(cells))
    names = [branch.name for branch in rules.branches]
    first = holding & (np.cumsum(holding, axis=0) == 1)
    faults = [("contradiction", name) for name, held in zip(names, holding, strict=True) if not held.any()]
    faults += [
        ("unreachable", name)
        for name, held, reached in zip(names, holding, first, strict=True)
        if held.any() and not reached.any()
    ]
    faults += _overlaps(names, holding, cells)
    if not rules.otherwise and (~holding.any(axis=0)).any():
        faults.append(("gap", _said(cells[~holding.any(axis=0)].iloc[0])))
    faults += [("repeated name", name) for name in dict.fromkeys(names) if _comes_back(names, name)]
    return pd.DataFrame(faults, columns=["fault", "where"])


def lint_with_customers(rules: RuleSet, customers: pd.DataFrame) -> pd.DataFrame:
    """Look for faults that only the company's customers show.

    Parameters
    ----------
    rules
        The rules.
    customers
        One row a customer, with the features the rules test.

    Returns
    -------
    pandas.DataFrame
        One row a fault: `fault` (empty segment, ties on a line), `where`.
    """
    found = set(rules.assign(customers))
    faults = [
        ("empty segment", name) for name in rules.names if name not in found and name != rules.otherwise
    ]
    lines = {(c.feature, c.value) for b in rules.branches for c in b.conditions if not c.words}
    for feature, value in sorted(lines):
        share = float((customers[feature] == value).mean()) if len(customers) else 0.0
        if share > TIES and feature not in WHOLE:
            faults.append(("ties on a line", f"{feature} = {value:g} ({share:.0%} of customers)"))
    return pd.DataFrame(faults, columns=["fault", "where"])


def _cells(rules: RuleSet) -> pd.DataFrame:
    conditions = [part for branch in rules.branches for part in branch.conditions]
    sides = {
        name: _sides(name, [part for part in conditions if part.feature == name]) for name in rules.features
    }
    count = math.prod(map(len, sides.values()))
    if count > MOST_CELLS:
        raise ValueError(
            f"the rules make {count:,} combinations, more than {MOST_CELLS:,}; use fewer numbers"
        )
    rows = list(itertools.product(*sides.values()))
    return pd.DataFrame(rows, columns=list(sides), index=range(len(rows)))


def _sides(feature: str, conditions: Sequence[Condition]) -> list[float] | list[str]:
    words = dict.fromkeys(word for part in conditions for word in part.words)
    if words:
        return [*words, _ANOTHER]
    lines = sorted({part.value for part in conditions})
    if feature in WHOLE:
        near = {math.floor(line) + step for line in lines for step in (-1, 0, 1, 2)}
        return sorted(float(value) for value in near if value >= 0)
    between = [(low + high) / 2 for low, high in itertools.pairwise(lines)]
    return sorted({lines[0] - 1, *lines, *between, lines[-1] + 1})


def _overlaps(names: list[str], holding: np.ndarray, cells: pd.DataFrame) -> list[tuple[str, str]]:
    faults = []
    for one, other in itertools.combinations(range(len(names)), 2):
        both = holding[one] & holding[other]
        within = (both == holding[one]).all() or (both == holding[other]).all()
        if both.any() and not within and names[one] != names[other]:
            faults.append(("overlap", f"{names[one]} and {names[other]}: {_said(cells[both].iloc[0])}"))
    return faults


def _comes_back(names: list[str], name: str) -> bool:
    """Whether a name stands again after another one, so that the list cannot be read as an order."""
    return len([key for key, _ in itertools.groupby(names) if key == name]) > 1


def _said(cell: pd.Series) -> str:
    return ", ".join(
        f"{name} = {value}" if isinstance(value, str) else f"{name} = {value:g}"
        for name, value in cell.items()
    )
