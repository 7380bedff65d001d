from __future__ import annotations

import numpy as np
import pytest

from crm_helpers.errors import InputError

COUNT = 400


@pytest.fixture
def amounts():
    return np.random.default_rng(7).lognormal(3, 0.5, COUNT).round(2)


def write(shop, amounts):
    rows = [f"A{i},0{i % 9},2024-01-{1 + i % 28:02d},{amount}" for i, amount in enumerate(amounts)]
    shop.write("lines.csv", "order,person,day,paid\n" + "\n".join(rows) + "\n")


def outlier(shop):
    result = shop.clean()
    (line,) = result.measures["outliers"].to_dict("records")
    return line, result


def test_the_bounds_are_those_of_the_formula(shop, amounts):
    amounts[:3] = [9_000, -8_000, 0.001]
    amounts[3] = 0
    write(shop, amounts)
    line, result = outlier(shop)
    logs = np.log(np.abs(np.round(amounts[amounts != 0], 4)))
    middle = np.median(logs)
    reach = 5 * 1.4826 * np.median(np.abs(logs - middle))
    assert (line["low"], line["high"]) == pytest.approx((np.exp(middle - reach), np.exp(middle + reach)))
    assert (line["below"], line["above"], line["values"]) == (1, 2, COUNT - 1)
    flagged = result.quality.set_index("rule")["flagged"]
    assert flagged["far from the other values"] == 3
    assert result.census["lines"].item() == COUNT  # flagged, not removed


def test_the_profile_sets_the_threshold(shop, amounts):
    write(shop, amounts)
    calm, _ = outlier(shop)
    shop.top["outliers"] = {"robust_z": 1}
    strict, _ = outlier(shop)
    assert calm["below"] + calm["above"] == 0
    assert strict["share"] == pytest.approx(0.32, abs=0.1)  # of normal values, 32% lie beyond one deviation


def test_declared_bounds_stand_instead(shop, amounts):
    amounts[:2] = [-50, 500]
    write(shop, amounts)
    shop.top["outliers"] = {"bounds": {"transactions": {"amount": {"low": 0, "high": 400}}}}
    line, result = outlier(shop)
    assert (line["rule"], line["below"], line["above"]) == ("declared bounds", 1, 1)
    assert result.quality.set_index("rule")["flagged"]["outside the declared bounds"] == 2


def test_where_most_values_are_equal_there_is_no_scale(shop, amounts):
    amounts[: COUNT // 2 + 1] = 5
    write(shop, amounts)
    assert shop.clean().measures["outliers"].empty


def test_a_limit_on_outliers_stops_the_run(shop, amounts):
    amounts[:8] = 50_000
    write(shop, amounts)
    shop.top["limits"] = {"outlier": {"fail": 0.01}}
    with pytest.raises(InputError, match="far from the other values in 8 rows"):
        shop.clean()


@pytest.mark.parametrize(
    "bounds",
    [
        {"transactions": {"amuont": {"low": 0}}},
        {"transactions": {"order_id": {"low": 0}}},
        {"sales": {"amount": {"low": 0}}},
        {"transactions": {"amount": {}}},
        {"transactions": {"amount": {"low": 2, "high": 1}}},
    ],
)
def test_bounds_of_what_is_not_there_are_an_error_of_the_profile(shop, bounds):
    shop.top["outliers"] = {"bounds": bounds}
    with pytest.raises(ValueError, match="outliers"):
        shop.profile  # noqa: B018
