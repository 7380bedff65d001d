"""Near copies against the brute-force comparison of all pairs, and what becomes of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_helpers.analysis.needs.comments import choose_comments
from crm_helpers.analysis.needs.copies import ALIKE, originals

LETTERS = np.array([chr(0x4E00 + 7 * number) for number in range(600)])


def planted(seed: int, count: int) -> tuple[list[str], list[str]]:
    """Comments of 30 to 90 characters, and a copy of each with one to four characters changed."""
    random = np.random.default_rng(seed)
    first = [random.choice(LETTERS, random.integers(30, 90)) for _ in range(count)]
    again = [line.copy() for line in first]
    for line in again:
        line[random.choice(len(line), random.integers(1, 5), replace=False)] = random.choice(LETTERS)
    return ["".join(line) for line in first], ["".join(line) for line in again]


def shared(one: str, other: str) -> float:
    ours, theirs = ({text[n : n + 4] for n in range(len(text) - 3)} for text in (one, other))
    return len(ours & theirs) / len(ours | theirs)


def test_copies_are_those_of_the_comparison_in_full():
    first, again = planted(1, 1_500)
    found = originals(pd.Series([*first, *again]))[1_500:] == np.arange(1_500)
    truth = np.array([shared(*pair) for pair in zip(first, again, strict=True)]) >= ALIKE
    assert 0.2 < truth.mean() < 0.8
    assert found[truth].mean() > 0.95
    assert not found[~truth].any()


def test_short_comments_and_different_ones_are_no_copies():
    first, _ = planted(2, 500)
    texts = pd.Series([*first, "快递太慢了等了三天", "快递太慢了等了五天"])
    assert originals(texts).tolist() == list(range(502))
    assert originals(pd.Series([], dtype="str")).tolist() == []


def test_a_copy_of_a_copy_has_the_first_one_as_its_original():
    first, _ = planted(3, 1)
    changed = first[0][:10] + LETTERS[0] + first[0][11:]
    assert originals(pd.Series([changed, first[0], first[0] + LETTERS[1]])).tolist() == [0, 0, 0]


def test_what_a_customer_says_nearly_again_counts_once():
    first, again = planted(4, 200)
    near = [shared(*pair) >= ALIKE for pair in zip(first, again, strict=True)]
    rows = pd.DataFrame({"customer_id": [f"c{n}" for n in range(200)] * 2, "comment": [*first, *again]})
    found = choose_comments(rows)
    assert found.count("said again by the same customer") >= 0.95 * sum(near) > 0
    assert found.count("used") == 400 - found.count("said again by the same customer")


def test_a_letter_that_goes_round_with_small_changes_is_a_template():
    letter = "According to the law I demand that this wrong item be deleted from my record within days, "
    sent = [f"{letter} {LETTERS[n]}" for n in range(40)]
    own, _ = planted(5, 160)
    rows = pd.DataFrame({"customer_id": [f"c{n}" for n in range(200)], "comment": [*sent, *own]})
    found = choose_comments(rows)
    assert (found.count("templates"), found.count("used"), found.templates) == (40, 160, 1)
