"""The rule table names every cell once, and the linter finds each fault that is put into it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from crm_helpers.analysis.segments.rules import RULES, cell_names, lint_rules


@pytest.mark.parametrize("scores", [3, 4, 5, 6])
def test_every_cell_has_exactly_one_name(scores: int):
    cells = cell_names(scores)
    walked = list(itertools.product(range(1, scores + 1), repeat=3))
    assert list(cells.iloc[:, :3].itertuples(index=False, name=None)) == walked
    assert cells["rules"].eq(1).all()
    assert cells["segment"].notna().all()
    assert lint_rules(scores).empty


@pytest.mark.parametrize("scores", [3, 4, 5, 6])
def test_every_name_can_be_reached(scores: int):
    assert set(cell_names(scores)["segment"]) == {rule.segment for rule in RULES}


def _faults(*rules) -> set[tuple[str, str]]:
    return set(lint_rules(4, rules).itertuples(index=False, name=None))


def test_the_linter_finds_a_gap():
    faults = _faults(*[rule for rule in RULES if rule.segment != "Champions"])
    assert faults == {("gap", f"recency {r}, frequency 4, monetary 4") for r in (3, 4)}


def test_the_linter_finds_an_overlap():
    wider = replace(RULES[1], monetary=("low", "middle", "high"))
    faults = _faults(RULES[0], wider, *RULES[2:])
    assert faults == {("overlap", f"recency {r}, frequency 4, monetary 4") for r in (3, 4)}


def test_the_linter_finds_a_rule_no_cell_reaches():
    dead = replace(RULES[0], segment="Dead")
    assert ("unreachable", "Dead") in _faults(*RULES, dead)


def test_the_linter_finds_a_repeated_name_and_an_unknown_band():
    twice = replace(RULES[0], segment="Loyal")
    misspelt = replace(RULES[-1], frequency=("lo",))
    faults = _faults(twice, *RULES[1:-1], misspelt)
    assert {("repeated name", "Loyal"), ("unknown band", RULES[-1].segment)} <= faults
