"""The need in which channels differ most, and needs in which they do not."""

from __future__ import annotations

import pandas as pd
import pytest

from crm_helpers.analysis.channels.period_findings import need_evidence, need_sentences


def _groups(*rows: tuple[str, str, str, float, float]) -> pd.DataFrame:
    """Channel, need, measure, value and half of its interval."""
    table = pd.DataFrame(rows, columns=["channel", "group", "measure", "value", "half"]).assign(kind="need")
    table["rank"] = table.groupby(["group", "measure"])["value"].rank(ascending=False).astype("Int64")
    low, high = table["value"] - table["half"], table["value"] + table["half"]
    return table.assign(low=low, high=high, cases=100).drop(columns="half")


def test_the_need_with_the_largest_sure_difference_is_named_with_its_rows() -> None:
    groups = _groups(
        ("phone", "repair", "satisfaction", 4.0, 0.1), ("chat", "repair", "satisfaction", 2.0, 0.1),
        ("phone", "price", "satisfaction", 3.5, 0.1), ("chat", "price", "satisfaction", 3.0, 0.1),
        ("phone", "price", "order value", 50.0, 60.0), ("chat", "price", "order value", 5.0, 60.0),
    )  # fmt: skip
    ((key, values),) = need_sentences(groups)
    assert key == "channels.by_need_score"
    assert (values["need"], values["best"], values["worst"]) == ("repair", "phone", "chat")
    assert values["most"].value == pytest.approx(4.0)
    assert need_evidence(groups)["channel"].tolist() == ["phone", "chat"]


def test_a_difference_in_the_value_of_orders_is_said_in_money() -> None:
    groups = _groups(("shop", "gift", "order value", 90.0, 2.0), ("mail", "gift", "order value", 30.0, 2.0))
    assert [key for key, _ in need_sentences(groups)] == ["channels.by_need"]


def test_differences_that_may_be_luck_are_not_named() -> None:
    # one pair in twenty differs so far by luck, and here are thirty pairs
    alike = [(c, f"need {k}", "satisfaction", v, 0.2) for k in range(30) for c, v in (("a", 3.3), ("b", 3.0))]
    groups = _groups(*alike)
    assert need_sentences(groups) == [("channels.by_need_alike", {})]
    assert need_evidence(groups).empty
    pair = _groups(("a", "need", "satisfaction", 3.3, 0.2), ("b", "need", "satisfaction", 3.0, 0.2))
    assert need_sentences(pair)[0][0] == "channels.by_need_score"


def test_without_needs_nothing_is_said() -> None:
    groups = _groups(("a", "x", "satisfaction", 3.0, 0.2)).assign(kind="segment")
    assert need_sentences(groups) == []
