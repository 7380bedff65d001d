"""Every sentence that is used exists, every one that exists is used, and data cannot change its form."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_helpers.errors import RunError
from crm_helpers.report.fragment import TEMPLATES
from crm_helpers.report.wording import plain, sentence, sentences, spans

ROOT = Path(__file__).resolve().parents[2]
_SECTIONS = sorted({key.split(".")[0] for key in sentences()} - {"common"})
_KEY = re.compile(rf"[\"']((?:{'|'.join(_SECTIONS)})\.[a-z_0-9]+)[\"']")
_TEMPLATE_KEY = re.compile(r"""\bt\("([a-z_]+)"(?! ~)""")
_COMPOSED = ("status_", "outcome_", "verdict_", "use_")


def code() -> str:
    notebooks = [
        json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "notebooks").glob("*.ipynb")
    ]
    texts = ["".join(cell["source"]) for notebook in notebooks for cell in notebook["cells"]]
    texts += [path.read_text(encoding="utf-8") for path in (ROOT / "crm_helpers").rglob("*.py")]
    return "\n".join(texts)


def keys_in_code() -> set[str]:
    return set(_KEY.findall(code()))


def keys_in_templates() -> set[str]:
    text = "\n".join(path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.j2"))
    return {f"common.{key}" for key in _TEMPLATE_KEY.findall(text)}


def test_every_key_that_is_used_has_a_sentence() -> None:
    assert keys_in_code() | keys_in_templates() <= set(sentences())


def test_every_sentence_is_used() -> None:
    composed = {key for key in sentences() if key.startswith(tuple(f"common.{part}" for part in _COMPOSED))}
    # keys are also composed: "one group" chooses segmentation.one_group
    words = {word.replace(" ", "_") for word in re.findall(r"[\"']([a-z_0-9 ]+)[\"']", code())}
    chosen = {key for key in sentences() if key.split(".")[1] in words}
    assert set(sentences()) - composed - chosen - keys_in_code() - keys_in_templates() == set()


@pytest.mark.parametrize("key", sorted(sentences()))
def test_every_sentence_has_known_formats_and_paired_stars(key: str) -> None:
    names = re.findall(r"\{([a-z_0-9]+)", sentences()[key])
    sentence(key, dict.fromkeys(names, 1))
    assert sentences()[key].count("**") % 2 == 0


def test_numbers_and_emphasis() -> None:
    pieces = spans("{n:count} bring **{share:share}**.", {"n": 774, "share": 0.61})
    assert pieces == [("774 bring ", False), ("61%", True), (".", False)]


def test_nouns_follow_the_number() -> None:
    assert [plain(spans("{n:count order|orders}", {"n": n})) for n in (0, 1, 2)] == [
        "0 orders", "1 order", "2 orders",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({}, 'value "action" is not given'),
        ({"page": "x", "action": "y", "more": 1}, 'value "more" is not in the sentence'),
    ],
)
def test_a_value_too_few_or_too_many_is_an_error(values: dict[str, object], fault: str) -> None:
    with pytest.raises(RunError, match=fault):
        sentence("summary.action", values)


def test_an_unknown_sentence_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(RunError, match=r'did you mean "summary\.action"'):
        sentence("summary.acton", {})


@given(st.text())
def test_data_stays_one_span_whatever_it_holds(text: str) -> None:
    pieces = spans("a {x:text} b", {"x": "**" + text + "{x:text}"})
    assert [bold for _, bold in pieces] == [False]


def test_format_strings_cannot_reach_into_objects() -> None:
    assert plain(spans("{x.__class__} {x[0]}", {"x": 1})) == "{x.__class__} {x[0]}"


def test_no_verb_hangs_on_the_name_of_a_topic_a_segment_or_a_channel() -> None:
    """Such names are plural or singular as they come: "returns" leaves, "delivery" leave."""
    subject = re.compile(
        r"(?:^|[.:;,] )\**\{(?:best|first|segment|topic|value|worst):text\}\**"
        r" (?:are|is|has|have|gets|holds|leaves|loses|rises|speaks|costs|turns|brings)\b"
    )
    pages = ("needs.", "segmentation.", "channels.")
    assert [k for k, words in sentences().items() if k.startswith(pages) and subject.search(words)] == []
