"""Spelling, language, masking and which comments count."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_helpers.analysis.needs.comments import choose_comments
from crm_helpers.analysis.needs.masking import mask
from crm_helpers.analysis.needs.normalise import language, normalised


def written(texts: list[str | None], customers: list[str] | None = None) -> pd.DataFrame:
    whose = customers or [f"c{number}" for number in range(len(texts))]
    return pd.DataFrame({"customer_id": whose, "comment": texts})


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("ＡＰＰ閃退！！", "app闪退!!"),
        ("退\u200b款\n沒到帳", "退款 没到帐"),
        ("  Where   IS it ", "where is it"),
        (None, ""),
    ],
)
def test_one_spelling(raw, plain):
    assert normalised(pd.Series([raw, "x"], index=[7, 9])).loc[7] == plain


def test_texts_do_not_flow_into_each_other():
    texts = [f"包裹{number}\r\n還沒到" for number in range(50)]
    assert normalised(pd.Series(texts)).tolist() == [f"包裹{number} 还没到" for number in range(50)]


def test_language_by_script():
    texts = ["质量很差", "bad quality", "这个 app 总是 crash 了", "😀👍", "12345", "ab质量很差非常差劲"]
    expected = ["Chinese", "English", "mixed", "none", "none", "Chinese"]
    assert language(pd.Series(texts)).tolist() == expected


SECRETS = [
    "13800138000", "138 0013 8000", "138-0013-8000", "１３８００１３８０００", "+86 138 0013 8000",
    "(010) 6552 9988",
    "li.lei@example.com", "li.lei＠example.com", "T000123456", "11010519491231002X", "一三八零零一三八零零零",
    "6222 0212 3456 7890", "https://example.com/u/77", "order #4471-88213", "138\u200b0013\u200b8000",
]  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", ["{}", "打我电话{}谢谢", "please use {} instead", "订单，{}，没到"])
def test_nothing_personal_survives(secret, around):
    shown = mask(around.format(secret))
    assert "[" in shown
    assert sum(letter.isdigit() for letter in shown) <= 2
    assert "li.lei" not in shown
    assert "八零零" not in shown


@given(st.integers(10**6, 10**19), st.sampled_from(["", " ", "-", ".", "·"]), st.integers(2, 4))
def test_no_long_number_survives_however_it_is_written(number, sign, every):
    digits = str(number)
    cut = sign.join(digits[start : start + every] for start in range(0, len(digits), every))
    assert not any(letter.isdigit() for letter in mask(f"我的号码是{cut}。"))


def test_accounts_names_and_addresses():
    assert mask("加我微信：lilei_88 吧") == "加我微信：[account] 吧"
    assert mask("我叫李雷,王先生说的") == "我叫[name],[name]先生说的"
    assert mask("My name is Han, thanks") == "My name is [name], thanks"
    assert "88" not in mask("送到中山北路88号3栋")


def test_what_is_known_of_the_customer_is_masked_and_the_rest_stays():
    assert mask("李雷的快递等了三天，便宜35元", known=["李雷", ""]) == "[known]的快递等了三天，便宜35元"


def test_every_comment_is_used_or_left_out_for_one_reason():
    texts = ["😀", "快递慢。", "快递慢!!!", "质量差", "质量差", "质量差 2"]
    found = choose_comments(written(texts, ["a", "a", "a", "b", "c", "c"]))
    assert found.steps["comments"].tolist() == [6, 1, 2, 0, 3]
    assert found.rows["text"].tolist() == ["快递慢。", "质量差", "质量差"]


def test_a_template_that_many_send_is_left_out():
    texts = ["系统默认好评！"] * 30 + [f"我要第{chr(0x4E00 + number)}种" for number in range(70)]
    found = choose_comments(written(texts))
    assert (found.count("templates"), found.count("used"), found.templates) == (30, 70, 1)


def test_no_comment_at_all():
    assert choose_comments(written([])).steps["comments"].sum() == 0
