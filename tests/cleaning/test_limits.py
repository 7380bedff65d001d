from __future__ import annotations

from typing import get_args

import pytest

from crm_helpers.cleaning.rules import RULES
from crm_helpers.errors import InputError
from crm_helpers.profile import LimitedRule

LINES = (
    "order,person,day,paid\nA1,007,2024-01-05,1\nA2,,2024-01-06,2\nA3,008,2024-01-06,x\nA4,008,2024-01-07,3\n"
)


def test_every_rule_with_a_key_can_be_limited():
    assert {rule.key for rule in RULES.values() if rule.key} == set(get_args(LimitedRule))


def test_every_rule_over_its_limit_is_named_in_one_line(shop):
    shop.write("lines.csv", LINES)
    shop.top["limits"] = {"missing": {"fail": 0.1}, "unreadable": {"warn": 0.1, "fail": 0.2}}
    with pytest.raises(InputError) as raised:
        shop.clean()
    assert str(raised.value) == (
        "limits: transactions.amount: value cannot be read in 1 rows (25.00%, allowed 20.00%);"
        " transactions.customer_id: required value missing in 1 rows (25.00%, allowed 10.00%);"
        " nothing was published: correct the source, or raise fail in [limits]"
    )
    assert not (shop.folder.clean / "current.json").exists()


def test_a_share_at_the_limit_is_allowed(shop):
    shop.write("lines.csv", LINES)
    shop.top["limits"] = {"missing": {"warn": 0.25, "fail": 0.25}}
    assert shop.clean().exceeded.empty


def test_a_change_of_a_limit_is_a_new_look_at_the_same_rows(shop):
    shop.write("lines.csv", LINES)
    first = shop.clean()
    shop.top["limits"] = {"missing": {"warn": 0.1}}
    assert list(shop.clean().exceeded["column"]) == ["customer_id"]
    assert first.exceeded.empty


def test_an_unknown_rule_is_an_error_of_the_profile(shop):
    shop.top["limits"] = {"unredable": {"fail": 0.1}}
    with pytest.raises(ValueError, match="limits"):
        shop.profile  # noqa: B018
