"""One line says what happened and where."""

from __future__ import annotations

import pytest

from crm_helpers.run.failure import exception_cause, exit_cause

TRACEBACK = """\
\x1b[31mInputError\x1b[39m            Traceback (most recent call last)
\x1b[36mCell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[3]\x1b[39m\x1b[32m, line 2\x1b[39m
File \x1b[32m~/crm_helpers/analysis/segments/rfm.py:57\x1b[39m, in \x1b[36mrfm_table\x1b[39m(orders, as_of)
File \x1b[32m/venv/pandas/core/frame.py:4107\x1b[39m, in \x1b[36mDataFrame.__getitem__\x1b[39m(self, key)
KeyError: 'Ann Smith'"""


def test_the_place_is_the_innermost_of_our_own_lines():
    assert exception_cause("KeyError", "'Ann Smith'", TRACEBACK) == "KeyError at rfm.py line 57, in rfm_table"


def test_our_own_messages_are_kept_on_one_line():
    assert exception_cause("InputError", "a.csv:\n  no column", "") == "a.csv: no column"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (-9, "the kernel was killed (SIGKILL)"),
        (137, "the kernel was killed (SIGKILL)"),
        (-15, "the kernel was stopped (SIGTERM)"),
        (-11, "the kernel crashed (SIGSEGV)"),
        (139, "the kernel crashed (SIGSEGV)"),
        (3, "the kernel ended by itself (exit code 3)"),
        (None, "the kernel ended by itself"),
    ],
)
def test_a_kernels_end_is_put_into_words(code, said):
    assert exit_cause(code).startswith(said)
