"""Judgements stated as text: read, weighed, and refused in words that say what to change."""

from __future__ import annotations

import pandas as pd
import pytest

from crm_helpers.analysis.campaigns.composite import composite
from crm_helpers.analysis.campaigns.judgements import ahp_weights, read_judgements
from crm_helpers.analysis.campaigns.next_findings import weights_finding
from crm_helpers.errors import InputError

_STATED = (
    "effect:return=1; effect:answers=3; effect:budget=5; return:answers=3; return:budget=5; answers:budget=2"
)


def test_pairs_may_stand_in_any_order_and_either_way_round():
    turned = "budget : answers = 1/2; return:effect=1;effect:answers=3; budget:effect=1/5; return:answers=3.0"
    turned += "; return:budget=5"
    assert read_judgements(turned) == read_judgements(_STATED) == (1.0, 3.0, 5.0, 3.0, 5.0, 2.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_STATED.replace("answers:budget=2", ""), '"answers : budget" is missing'),
        (_STATED + "; return:effect=1", '"return : effect" stands there twice'),
        (_STATED.replace("answers:budget", "answer:budget"), 'no measure "answer"'),
        (_STATED.replace("=2", "=12"), "must be from 1/9 to 9"),
        (_STATED.replace("=2", " is 2"), 'does not read as "effect : return = 3"'),
        (_STATED + "; effect:effect=1", "sets a measure against itself"),
        ("", '"effect : return" is missing'),
    ],
)
def test_a_text_that_does_not_read_is_refused_with_the_way_out(text: str, said: str):
    with pytest.raises(InputError, match="judgements") as refused:
        read_judgements(text)
    assert said in str(refused.value)


def _campaigns() -> tuple[pd.DataFrame, pd.DataFrame]:
    effects = pd.DataFrame(
        {"campaign_id": ["a", "b", "c"], "name": ["A", "B", "C"], "grade": ["A", "A", "B"]}
    )
    effects = effects.assign(effect=[9.0, 5.0, 1.0], total=[9.0, 5.0, 1.0])
    effects["return"] = [3.0, 2.0, 1.0]
    progress = pd.DataFrame(
        {"campaign_id": ["a", "b", "c"], "responses": [1, 2, 3], "reach": 10, "budget": 1.0}
    )
    plan = {"cost": [1.0, 1.0, 1.0], "planned_reach": 10, "planned_responses": 1, "planned_revenue": 1.0}
    return effects, progress.assign(**plan)


def test_the_rank_of_the_leader_is_given_under_random_weights():
    found = composite(*_campaigns(), judgements=_STATED)
    first = found.marks.iloc[0]
    assert (first["name"], first["rank_high"], first["rank_low"]) == ("A", 1, 3)
    assert 0.5 < first["first"] < 1  # it leads unless answers weigh most
    middle = found.marks.set_index("name").loc["B"]
    assert (middle["rank_high"], middle["rank_low"]) == (2, 2)
    assert weights_finding(found)[0][0] == "campaigns.weights"


def test_judgements_that_contradict_each_other_are_said_to():
    circle = _STATED.replace("return:answers=3", "return:answers=1/9").replace(
        "effect:return=1", "effect:return=1/9"
    )
    assert ahp_weights(read_judgements(circle), 4)[1] > 0.1
    found = composite(*_campaigns(), judgements=circle)
    assert weights_finding(found)[0][0] == "campaigns.weights_contradict"
