"""Renewals of contracts: Fader & Hardie's two published cases, and lives by contract."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from made_orders import AS_OF, book_of, no_contacts

from crm_helpers.analysis.churn.study import study_churn, window_of
from crm_helpers.analysis.value.contract import Terms, fit_contract, fit_renewals, survival
from crm_helpers.analysis.value.lookback import look_back
from crm_helpers.analysis.value.study import MODEL, trial, value_now
from crm_helpers.profile import Contract

MONTHLY = Contract(period_days=30, grace_days=7)
PUBLISHED = {  # of 1,000 customers left after 0 to 12 years; the model saw seven (Fader & Hardie 2007)
    "High End": ([1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394], 0.668, 3.806, -1611.2),
    "Regular": ([1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173], 0.704, 1.182, -1680.3),
}  # fmt: skip


@pytest.mark.parametrize("case", PUBLISHED)
def test_published_parameters_and_projection(case):
    left, a, b, likelihood = PUBLISHED[case]
    seen = np.array(left[:8])
    gone = np.concatenate([np.repeat(np.arange(1, 8), -np.diff(seen)), np.zeros(seen[-1], int)])
    fit = fit_renewals(gone, np.where(gone == 0, 7, 0))
    np.testing.assert_allclose(fit.parameters, (a, b), atol=0.0006)
    assert fit.log_likelihood == pytest.approx(likelihood, abs=0.05)
    np.testing.assert_allclose(survival(fit.parameters, 12)[7:], np.array(left[8:]) / 1000, atol=0.02)


def contracts(*, customers: int = 1_500, seed: int = 1, a: float = 1.0, b: float = 8.0) -> pd.DataFrame:
    """Lines of customers who pay every 30 days, up to five days late, until they leave."""
    generator = np.random.default_rng(seed)
    began, leave = generator.integers(0, 500, customers), generator.beta(a, b, customers)
    payments = generator.geometric(leave.clip(1e-9))
    who = np.repeat(np.arange(customers), np.minimum(payments, 25))
    place = np.arange(len(who)) - np.repeat(np.flatnonzero(np.diff(who, prepend=-1)), np.bincount(who))
    late = np.where(place > 0, generator.integers(0, 6, len(who)), 0)
    day = began[who] + 30 * place + late
    lines = pd.DataFrame({
        "customer_id": [f"c{number:05d}" for number in who],
        "order_id": [str(number) for number in range(len(who))],
        "ordered_at": pd.Timestamp(AS_OF) - pd.Timedelta(days=600) + pd.to_timedelta(day, unit="D"),
        "amount": np.repeat(generator.gamma(20, 1, customers), np.bincount(who)).round(2) + 1,
    })  # fmt: skip
    return lines[lines["ordered_at"] < pd.Timestamp(AS_OF)]


def histories_of(paid: list[tuple[float, float]]) -> pd.DataFrame:
    return pd.DataFrame(paid, columns=["t_x", "T"])


def test_who_is_late_beyond_grace_has_left_and_others_have_not():
    terms = Terms(period=4.0, grace=1.0)
    table = histories_of([(8.0, 12.9), (8.0, 13.0), (0.0, 1.0)])
    assert terms.running(table).tolist() == [True, False, True]
    assert terms.renewed(table).tolist() == [2, 2, 0]
    assert terms.due(table, 8.0).tolist() == [3, 3, 2]
    assert terms.late(table).tolist() == pytest.approx([0.9, 1.0, 0.0])


def test_planted_chances_come_back_and_renewals_follow_from_them():
    generator = np.random.default_rng(2)
    chances, size = generator.beta(1.0, 8.0, 20_000), 20_000
    made = generator.geometric(chances) - 1
    renewed = np.minimum(made, 10)
    age = np.where(made >= 10, 40.0, renewed * 4.0 + 20.0)
    table = histories_of(list(zip(renewed * 4.0, age, strict=True)))
    model = fit_contract(table, terms=Terms(4.0, 1.0))
    assert size == len(table)
    error = np.sqrt(np.diag(model.fit.covariance))
    assert (np.abs(np.log(model.fit.parameters / (1.0, 8.0))) < 4 * error).all()
    came = np.minimum(made - 10, 6)[made >= 10]
    expected = model.expected(table, 24.0)
    assert expected[made < 10].sum() == 0
    assert expected.sum() == pytest.approx(came.sum(), rel=0.02)
    futures = model.simulate(table, 24.0, draws=50, seed=1).sum(axis=1)
    assert futures.mean() == pytest.approx(expected.sum(), rel=0.02)


def test_a_company_by_contract_is_foreseen_by_renewals():
    book = book_of(contracts(), contract=MONTHLY)
    tested = trial(book, draws=100)
    found = value_now(book, tested)
    assert tested.kind == "sBG"
    assert tested.miss < 0.1
    assert found.customers["p_alive"].isin([0.0, 1.0]).mean() > 0.9
    free = trial(book_of(contracts()), draws=100)
    assert tested.comparison.score(MODEL, "error").value < free.comparison.score(MODEL, "error").low


def test_lost_is_who_did_not_pay_in_time():
    book = book_of(contracts(), contract=MONTHLY)
    window = window_of(book)
    assert (window.days, window.reached) == (37, True)
    past = look_back(book, ago=window.days)
    found, _ = study_churn(book, no_contacts(), past, window=window.days, draws=100)
    assert past.day < date(2024, 6, 1)
    assert found.customers > 300
