"""Mined words, cut words and the words that tell what a comment is about."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from crm_helpers.analysis.needs.company import companions
from crm_helpers.analysis.needs.dictionary import candidates, new_words
from crm_helpers.analysis.needs.segmenter import Segmenter
from crm_helpers.analysis.needs.stems import stems
from crm_helpers.analysis.needs.thesaurus import thesaurus
from crm_helpers.analysis.needs.words import find_words, telling

CORPUS = [
    "净水器坏了",
    "新净水器好",
    "买净水器来",
    "退净水器吧",
    "要净水器吗",
    "净水器很吵",
    "水很好",
    "机器坏",
]


def by_hand(word: str) -> tuple[int, float, float]:
    """Count as the definitions say, with loops over strings."""
    grams = Counter(
        text[start : start + size]
        for text in CORPUS
        for size in (1, 2, 3)
        for start in range(len(text) - size + 1)
    )
    total = sum(len(text) for text in CORPUS)
    information = min(
        math.log2(grams[word] * total / (grams[word[:cut]] * grams[word[cut:]]))
        for cut in range(1, len(word))
    )
    padded = [f"\n{text}\n" for text in CORPUS]
    sides = ([], [])
    for text in padded:
        for start in range(1, len(text) - len(word)):
            if text[start : start + len(word)] == word:
                sides[0].append(text[start - 1])
                sides[1].append(text[start + len(word)])
    return grams[word], information, min(entropy(side) for side in sides)


def entropy(letters: list[str]) -> float:
    shares = [count / len(letters) for count in Counter(letters).values()]
    return -sum(share * math.log2(share) for share in shares)


@pytest.mark.parametrize("word", ["净水", "水器", "净水器"])
def test_measures_are_those_of_the_definition(word):
    found = candidates(CORPUS).set_index("word")
    count, information, least = by_hand(word)
    assert found.loc[word, "count"] == count
    assert found.loc[word, ["information", "entropy"]].tolist() == pytest.approx([information, least])


def test_a_word_is_found_and_its_halves_are_not():
    pieces = [f"{before}空气炸锅{after}" for before in "甲乙丙丁" for after in "子丑寅卯"]
    pieces += [chr(0x5000 + 3 * number) + chr(0x6000 + number) for number in range(300)]
    assert new_words(pieces, set())["word"].tolist() == ["空气炸锅"]
    assert new_words(pieces, {"空气炸锅"}).empty


def test_nothing_to_mine():
    assert new_words([], set()).empty


def test_cuts_are_those_of_jieba():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba

    pieces = [
        "我来到北京清华大学",
        "他来到了网易杭研大厦",
        "小明硕士毕业于中国科学院计算所",
        "快递员把包裹放在小区驿站",
    ]
    jieba.setLogLevel(60)
    stock = jieba.Tokenizer()
    stock.FREQ, stock.total = stock.gen_pfdict(stock.get_dict_file())
    stock.initialized = True
    assert Segmenter(pieces).cut(pieces) == [stock.lcut(piece) for piece in pieces]


def test_words_of_both_languages_and_their_subjects():
    texts = pd.Series(["快递很慢, the parcel is late", "快递 parcel 12 😀", "hello"])
    found = find_words(pd.concat([texts + f" {chr(97 + n) * 3}" for n in range(6)], ignore_index=True))
    assert {"快递", "parcel", "hello", "late"} <= set(found.words)
    about = pd.DataFrame(found.about.toarray(), columns=found.subjects)
    assert about.loc[found.text[0], "delivery"] == 1
    assert about.loc[found.text[2]].sum() == 0


def test_a_word_that_keeps_any_company_tells_nothing():
    random = np.random.default_rng(1)
    theme = random.integers(0, 4, 4_000)
    texts = np.zeros((4_000, 42))
    for column in range(40):
        texts[:, column] = (theme == column // 10) & (random.random(4_000) < 0.3)
    texts[:, 40] = random.random(4_000) < 0.5
    texts[:, 41] = (theme == 1) & (random.random(4_000) < 0.01)
    found = telling(sparse.csr_array(texts), np.ones(42, dtype=bool))
    assert found[40] < 0.2
    assert found[:40].min() > 0.5


def test_a_text_without_words():
    found = find_words(pd.Series([], dtype="str"))
    assert found.matrix.shape == (0, 0)


def test_companions_are_weighed_as_the_definition_says():
    random = np.random.default_rng(2)
    theme = random.integers(0, 3, 2_000)
    held = np.array([[(theme == n // 3) & (random.random(2_000) < 0.4) for n in range(9)]])[0].T.astype(float)
    found = companions(sparse.csr_array(held), np.ones(9, dtype=bool)).toarray()
    weights = [npmi_by_hand(held, 0, other) for other in (1, 2)]
    assert np.flatnonzero(found[0]).tolist() == [1, 2]
    assert found[0, 1:3].tolist() == pytest.approx([weight / sum(weights) for weight in weights])


def npmi_by_hand(held: np.ndarray, one: int, other: int) -> float:
    both = (held[:, one] * held[:, other]).mean()
    return math.log(both / (held[:, one].mean() * held[:, other].mean())) / -math.log(both)


def test_words_of_two_languages_are_companions_only_where_comments_have_both():
    zh, en = (
        np.repeat([[1.0, 0, 0, 0], [0, 1, 0, 0]], 100, axis=0),
        np.repeat([[0, 0, 1.0, 0], [0, 0, 0, 1]], 100, axis=0),
    )
    chinese = np.array([True, True, False, False])
    apart = companions(sparse.csr_array(np.vstack([zh, en])), chinese)
    joined = companions(sparse.csr_array(np.vstack([zh, en, (zh + en)[::5]])), chinese).toarray()
    assert apart.nnz == 0
    assert joined.argmax(axis=1).tolist() == [2, 3, 0, 1]


def test_greetings_are_stock_phrases_and_short_matters_are_not():
    matters = ["物流一直没有更新", "账号登录不了", "优惠券用不了", "师傅没有上门安装", "退款没有到账"]
    details = ["包裹快递查不到", "密码验证码收不到", "价格折扣太贵", "配件说明书缺少", "退货寄回很久"]
    random = np.random.default_rng(3)
    texts = []
    for topic in random.integers(0, 5, 1_500):
        said = [matters[topic], details[topic], "编号" + "".join(random.choice(LETTERS, 2))]
        random.shuffle(said)
        greeted = ["你们公司员工"] if random.random() < 0.3 else []
        texts.append("，".join([*greeted, *said[: random.integers(2, 4)]]))
    found = find_words(pd.Series(texts))
    assert found.stock == ("你们公司员工",)
    assert {"账号", "优惠券", "退款"} <= set(found.words[found.topical])


LETTERS = [chr(0x5000 + 5 * number) for number in range(200)]


FORMS = [
    ["bed"], ["card", "cards"], ["companies", "company"], ["price", "prices", "pricing"], ["refund"],
    ["return", "returned", "returning", "returns"], ["status"],
]  # fmt: skip


def test_forms_of_a_word_are_one_and_other_words_are_not():
    words = pd.Series([word for forms in FORMS for word in forms])
    assert sorted(words.groupby(stems(words)).agg(list)) == FORMS


def test_masks_and_laughter_tell_nothing():
    texts = pd.Series([f"xxxx charged {word} 哈哈 twice" for word in ("card", "fee", "loan", "bank")] * 5)
    found = find_words(pd.concat([texts + f" {chr(97 + n) * 3}z" for n in range(6)], ignore_index=True))
    assert not {"xxxx", "哈哈"} & set(found.words[found.topical])


def test_a_company_adds_its_own_subjects_and_may_leave_out_the_general_ones():
    own = {"delivery": {"zh": (), "en": ("drone*",)}, "leaks": {"zh": ("漏水",), "en": ()}}
    both, alone = thesaurus(own), thesaurus(own, general=False)
    pieces = ["drones", "parcel", "楼上漏水", "leaks"]
    delivery, leaks = both.subjects.index("delivery"), both.subjects.index("leaks")
    assert both.found(pieces).toarray()[:, [delivery, leaks]].tolist() == [[1, 0], [1, 0], [0, 1], [0, 0]]
    assert alone.subjects == ("delivery", "leaks")
    assert alone.found(pieces).toarray().tolist() == [[1, 0], [0, 0], [0, 1], [0, 0]]
