"""Keep one person's records together and two people's apart when a chain of pairs joins them.

A likes B and B likes C does not make A and C one person: an empty birth date likes everybody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

__all__ = ["CHAIN", "CONTRADICTION", "DOUBT", "hold_apart"]

CONTRADICTION = "names, birth dates or identifiers contradict"
DOUBT = "names differ, and neither birth date nor document can tell"
CHAIN = "the records hang together by a chain only"


def hold_apart(
    edges: Sequence[tuple[str, str]], forbidden: Iterable[tuple[str, str]], *, most: int
) -> list[tuple[str, str, str]]:
    """Join the strongest pairs first, and refuse those that join what cannot be one person.

    Two groups are joined unless a forbidden pair lies across them, or they would have more than `most`
    records and fewer than half of the pairs across them are themselves linked.

    Parameters
    ----------
    edges
        Linked pairs, the strongest first.
    forbidden
        Pairs that are two people.
    most
        Records a person may have before a chain is no longer believed.

    Returns
    -------
    list of tuple
        The two ids of each refused pair, and why.

    Examples
    --------
    >>> hold_apart([("a", "b"), ("b", "c")], [("a", "c")], most=8)
    [('b', 'c', 'names, birth dates or identifiers contradict')]
    """
    groups = _Groups(edges, forbidden)
    for one, other in edges:
        groups.join(one, other, most)
    return [
        (one, other, CONTRADICTION if groups.forbidden(one, other) else CHAIN)
        for one, other in edges
        if groups.of[one] is not groups.of[other]
    ]


class _Groups:
    """Disjoint sets of records that know their links and their forbidden pairs."""

    def __init__(self, edges: Sequence[tuple[str, str]], forbidden: Iterable[tuple[str, str]]) -> None:
        self.of: dict[str, set[str]] = {node: {node} for edge in edges for node in edge}
        self._links, self._enemies = _both_ways(edges), _both_ways(forbidden)

    def join(self, one: str, other: str, most: int) -> None:
        """Join two records' groups, unless that is refused."""
        small, large = sorted((self.of[one], self.of[other]), key=len)
        if small is large or self.forbidden(one, other):
            return
        linked = sum(len(self._links[node] & large) for node in small)
        if len(small) + len(large) > most and 2 * linked < len(small) * len(large):
            return
        large |= small
        for node in small:
            self.of[node] = large

    def forbidden(self, one: str, other: str) -> bool:
        """Say whether a forbidden pair lies across two records' groups."""
        small, large = sorted((self.of[one], self.of[other]), key=len)
        return any(not self._enemies[node].isdisjoint(large) for node in small if node in self._enemies)


def _both_ways(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for one, other in pairs:
        found[one].add(other)
        found[other].add(one)
    return found
