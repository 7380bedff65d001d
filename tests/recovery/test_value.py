"""Who leaves and who orders in the simulated company, against what was planted in it."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from recovery.made import cleaned
from recovery.truth import Made, foreseen, oracle, studied

from crm_helpers.analysis.churn.models import LOGISTIC, areas
from crm_helpers.analysis.value.lookback import look_back
from crm_helpers.demo.people import make_people, make_records
from crm_helpers.demo.plan import MONTH_STARTS

CUSTOMERS, SEED = 6_000, 1
BEHIND = 0.02  # area under the curve below the oracle's; peers/bench_value_truth.py measures it over 20 seeds


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The company's orders, and what the page finds in them."""
    folder = cleaned(tmp_path_factory.mktemp("recovery"), customers=CUSTOMERS, seed=SEED)
    return studied(folder, customers=CUSTOMERS, seed=SEED)


def test_intervals_of_half_a_year_hold_what_came(made):
    for estimate, came in foreseen(made, ahead=timedelta(days=182)).values():
        assert estimate.low <= came <= estimate.high
        assert estimate.high < 2 * estimate.low


def test_the_best_churn_model_comes_near_the_oracle(made):
    customers, score, label = oracle(made)
    known, once = made.churn.scores.set_index("customer_id").loc[customers], np.ones((1, len(label)))
    best, *reached = (areas(each, label, once)[0] for each in (score, *known.to_numpy().T))
    assert best > 0.8
    assert max(reached) > best - BEHIND


def test_the_regression_knows_what_the_rhythm_of_alike_customers_says(made):
    customers, score, label = oracle(made)
    known, once = made.churn.scores.set_index("customer_id").loc[customers], np.ones((1, len(label)))
    assert areas(known[LOGISTIC].to_numpy(), label, once)[0] > areas(score, label, once)[0] - BEHIND / 2


def test_probabilities_of_leaving_come_true(made):
    assert (made.churn.lift["predicted"] - made.churn.lift["actual"]).abs().mean() < 0.05


def test_the_money_of_half_a_year_is_foreseen_better_than_by_simple_rules(made):
    assert made.tested.miss < 0.1
    assert made.tested.model_used


def test_every_customer_who_left_in_the_first_year_is_given_up(made):
    people = make_people(CUSTOMERS, SEED)
    records = make_records(people, SEED)
    gone = {
        f"{number + 1:0{records.width}d}"
        for number, person in enumerate(records.person)
        if people.churned[person] < MONTH_STARTS[12] and people.rate[person] > 0.8
    }
    now = look_back(made.book)
    alive = now.model.alive(now.table)[now.table["customer_id"].isin(gone)]
    assert len(alive) > 500
    assert (alive < 0.5).mean() > 0.9
