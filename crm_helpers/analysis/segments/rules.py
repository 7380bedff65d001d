"""The rule table that names segments, and a linter that finds its gaps, overlaps and dead rules."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

__all__ = ["LEVELS", "RECENCY", "RULES", "Rule", "cell_names", "level", "lint_rules"]

RECENCY = ("silent", "quiet", "active")
LEVELS = ("low", "middle", "high")


@dataclass(frozen=True)
class Rule:
    """One line of the rule table: the bands of the three scores that bear a name.

    Parameters
    ----------
    segment
        The name; it says what the customers do, not what we wish.
    recency
        Any of silent (score 1), quiet (score 2) and active (3 and above).
    frequency, monetary
        Any of low (the lowest third of the scores), middle and high (above three quarters).
    meaning, effort
        What the customers are, and what they deserve.
    """

    segment: str
    recency: tuple[str, ...]
    frequency: tuple[str, ...]
    monetary: tuple[str, ...]
    meaning: str
    effort: str

    def holds(self, recency: str, frequency: str, monetary: str) -> bool:
        """Whether a customer of these bands falls under the rule."""
        return recency in self.recency and frequency in self.frequency and monetary in self.monetary


RULES: tuple[Rule, ...] = (
    Rule("Champions", ("active",), ("high",), ("high",),
         "order now, often and for much", "look after in person; ask for their opinion before a discount"),
    Rule("Loyal", ("active",), ("high",), ("low", "middle"),
         "order now and often, for moderate sums", "show what goes with what they buy"),
    Rule("Big baskets", ("active",), ("low", "middle"), ("high",),
         "order now, much each time but less often", "give a reason for the next visit"),
    Rule("Steady", ("active",), ("middle",), ("low", "middle"),
         "order now and then, for moderate sums", "regular contact, nothing costly"),
    Rule("Occasional or new", ("active",), ("low",), ("low", "middle"),
         "ordered lately, but seldom", "welcome, and help to the next order"),
    Rule("Big spenders, going quiet", ("quiet",), LEVELS, ("high",),
         "spent much, and have paused for longer than usual", "call before they are gone"),
    Rule("Going quiet", ("quiet",), LEVELS, ("low", "middle"),
         "have paused for longer than usual", "remind by an automatic message"),
    Rule("Big spenders, long silent", ("silent",), LEVELS, ("high",),
         "spent much, and have not ordered for long", "ask why; one good offer to return"),
    Rule("Long silent", ("silent",), LEVELS, ("low", "middle"),
         "have not ordered for long, and spent little", "a cheap reminder, nothing more"),
)  # fmt: skip
"""The rule table, best first; the first rule that holds gives the name."""


def level(score: int, scores: int) -> str:
    """Say where a score of frequency or money stands: lowest third, middle, above three quarters."""
    return LEVELS[(score > scores / 3) + (score > 3 * scores / 4)]


def cell_names(scores: int, rules: Sequence[Rule] = RULES) -> pd.DataFrame:
    """List all n³ cells with their segment.

    Parameters
    ----------
    scores
        How many scores, n.
    rules
        The rule table.

    Returns
    -------
    pandas.DataFrame
        `recency_score`, `frequency_score`, `monetary_score`, `segment` (missing in a gap), `rules`
        (how many hold), in the order of the scores.

    Examples
    --------
    >>> cells = cell_names(4).set_index(["recency_score", "frequency_score", "monetary_score"])
    >>> cells.loc[(4, 4, 4), "segment"], cells.loc[(1, 1, 4), "segment"]
    ('Champions', 'Big spenders, long silent')
    """
    rows = []
    for cell in itertools.product(range(1, scores + 1), repeat=3):
        bands = (_recency_band(cell[0]), level(cell[1], scores), level(cell[2], scores))
        holding = [rule.segment for rule in rules if rule.holds(*bands)]
        rows.append((*cell, next(iter(holding), None), len(holding)))
    names = ["recency_score", "frequency_score", "monetary_score", "segment", "rules"]
    return pd.DataFrame(rows, columns=names)


def lint_rules(scores: int, rules: Sequence[Rule] = RULES) -> pd.DataFrame:
    """Look for faults in a rule table.

    Parameters
    ----------
    scores
        How many scores, n.
    rules
        The rule table.

    Returns
    -------
    pandas.DataFrame
        One row a fault: `fault` (gap, overlap, unreachable, repeated name, unknown band), `where`.

    Examples
    --------
    >>> len(lint_rules(4))
    0
    >>> lint_rules(4, RULES[1:])["fault"].unique().tolist()
    ['gap']
    """
    cells = cell_names(scores, rules)
    faults = [("gap", _cell_text(cell)) for cell in cells[cells["rules"] == 0].itertuples(index=False)]
    faults += [("overlap", _cell_text(cell)) for cell in cells[cells["rules"] > 1].itertuples(index=False)]
    reached, names = set(cells["segment"]), [rule.segment for rule in rules]
    faults += [("unreachable", name) for name in dict.fromkeys(names) if name not in reached]
    faults += [("repeated name", name) for name in dict.fromkeys(names) if names.count(name) > 1]
    faults += [("unknown band", rule.segment) for rule in rules if not _bands_known(rule)]
    return pd.DataFrame(faults, columns=["fault", "where"])


def _recency_band(score: int) -> str:
    return RECENCY[min(score, 3) - 1]


def _cell_text(cell: tuple[int, ...]) -> str:
    return f"recency {cell[0]}, frequency {cell[1]}, monetary {cell[2]}"


def _bands_known(rule: Rule) -> bool:
    levels = set(rule.frequency) | set(rule.monetary)
    return set(rule.recency) <= set(RECENCY) and levels <= set(LEVELS)
