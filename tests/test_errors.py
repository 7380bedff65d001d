"""Errors carry the exit code they end with, and suggest what was meant."""

from __future__ import annotations

import pytest

from crm_helpers.errors import CrmError, InputError, RunError, suggest


@pytest.mark.parametrize(("error", "code"), [(CrmError, 1), (RunError, 1), (InputError, 2)])
def test_exit_codes(error, code):
    assert error("x").exit_code == code


def test_a_near_miss_is_suggested():
    assert suggest("custmers", ["transactions", "customers"]) == 'did you mean "customers"?'


def test_otherwise_all_known_words_are_given_in_order():
    assert suggest("x", ["b", "a"]) == "known: a, b"
