"""A page holds what the notebook said and nothing else: escaped, whole, and the same every time."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

import nbformat.v4
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode

from crm_helpers.record import Check, Headline, Manifest, PageRecord, PageResult, TableRecord
from crm_helpers.report import figures
from crm_helpers.report.blocks import MIME, chart_block, table_block
from crm_helpers.report.format import visible
from crm_helpers.report.fragment import fragment
from crm_helpers.report.prose import prose
from crm_helpers.report.render import (
    PageLink,
    RenderContext,
    render_company_index,
    render_page,
    render_run_index,
)

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</td></table><b>",
    "</title><script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "' onfocus='alert(1)",
    "javascript:alert(1)",
    "<svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "]]></script><!--",
    "${alert(1)}",
    "&lt;b&gt;",
    "$\\frac{1}{0}$",
    "**bold** `code` [x](javascript:alert(1)) | a | b |",
    "</style><style>*{display:none}",
    "\u202egnp.exe\u200b",
]
_TAGS = re.compile(r"<(?!/?(?:svg|g|defs|use|path|rect)\b)[a-zA-Z!/][^>]*>")


def code(*blocks: dict[str, Any], source: str = "page.say()") -> NotebookNode:
    cell = nbformat.v4.new_code_cell(source)
    cell.outputs = [nbformat.v4.new_output("display_data", data={MIME: block}) for block in blocks]
    return cell


def said(kind: str, words: str) -> dict[str, Any]:
    return {"kind": kind, "key": "k", "verdict": "solid", "spans": [(words, False), (words, True)]}


def notebook(words: str) -> NotebookNode:
    frame = pd.DataFrame({words: [words], f"{words} n": [1.0]})
    cells = [
        nbformat.v4.new_markdown_cell("# 03 · Who are our customers?\n\nFor everyone."),
        code({"kind": "open", "page": "03_segmentation", "parameters": {"company": words}}),
        code({"kind": "missing", "table": words, "meaning": words}),
        nbformat.v4.new_markdown_cell("## What they are worth\n\nLook at the dots."),
        code(said("say", words), said("say", words), table_block(frame, caption=words)),
        nbformat.v4.new_markdown_cell("## So what"),
        code(said("answer", words), said("action", words), source=f"# {words}"),
        nbformat.v4.new_markdown_cell("How it was computed.", metadata={"tags": ["appendix"]}),
    ]
    return nbformat.v4.new_notebook(cells=cells)


def result(words: str) -> PageResult:
    table = TableRecord(name=words, rows=1, fingerprint=words)
    return PageResult(
        page="03_segmentation",
        title=words,
        question=words,
        verdict="solid",
        answer=words,
        actions=(words,),
        headlines=(Headline(key="k", label=words, value=1, text=visible(words)),),
        checks=(Check(text=words, outcome="warn", detail=words),),
        reads=(table,),
        writes=(table,),
    )


def context(words: str = "Little shop", **values: Any) -> RenderContext:
    pages = (PageLink("03_segmentation"), PageLink("07_campaign_regression", "skipped"))
    return RenderContext("little", words, "USD", as_of=dt.date(2018, 1, 2), pages=pages, **values)


def page(words: str) -> str:
    previous = {"03_segmentation": result(words)}
    return render_page(notebook(words), result=result(words), context=context(words, previous=previous))


def body(text: str) -> str:
    """The page without its own style and script."""
    return re.sub(r"<(style|script)[^>]*>.*?</\1>", "", text, count=2, flags=re.DOTALL)


def harmless(words: str) -> str:
    """Letters in the number that is shown for the words: long texts get a class of their own."""
    return "x" * len(visible(words))


def tags(text: str) -> list[str]:
    return _TAGS.findall(body(text))


def shape(text: str) -> list[str]:
    """Names of the tags and attributes, in order: what data must never change; lines may end elsewhere."""
    return [re.sub(r'="[^"]*"', "", tag) for tag in tags(text) if tag != "<wbr>"]


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_change_no_tag_of_a_page(words: str) -> None:
    assert shape(page(words)) == shape(page(harmless(words)))


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_change_no_tag_of_the_indexes(words: str) -> None:
    def indexes(word: str) -> list[str]:
        records = [
            PageRecord(page=p, status=s, notebook_sha256="x", parameters={}, error=word)
            for p, s in (("03_segmentation", "good"), ("07_campaign_regression", "failed"))
        ]
        failed = manifest("r1", "failed").model_copy(
            update={"started_at": word, "resume": word, "pages": tuple(records), "error": word}
        )
        run = render_run_index(context(word), [result(word)], records)
        return shape(run) + shape(render_company_index([failed], name=word))

    assert indexes(words) == indexes(harmless(words))


@settings(max_examples=20, deadline=None)
@given(st.text(min_size=1, max_size=60).filter(str.strip))
def test_any_words_change_no_tag_of_a_page(words: str) -> None:
    clean = words.encode("utf-8", "ignore").decode() or "x"
    assert shape(page(clean)) == shape(page(harmless(clean)))


def test_words_are_shown_as_they_are() -> None:
    assert html.escape("<img src=x onerror=alert(1)>") in page("<img src=x onerror=alert(1)>")


def test_characters_that_turn_text_are_shown_in_tables() -> None:
    assert "⟨U+202E⟩gnp.exe⟨U+200B⟩" in page("\u202egnp.exe\u200b")


@pytest.mark.parametrize(
    "markdown",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "![x](https://evil.example/x.png)",
        '<a href="x" onclick="y">z</a>',
        "<style>*{}</style>",
        "[x](data:text/html,y)",
        "<iframe src=x></iframe>",
    ],
)
def test_prose_lets_nothing_active_through(markdown: str) -> None:
    clean = str(prose(markdown))
    assert not re.search(r"<(script|style|img|iframe|a [^>]*(on|javascript|data:))", clean)


def test_foreign_outputs_and_raw_cells_are_never_rendered() -> None:
    nb = notebook("x")
    foreign = nbformat.v4.new_code_cell("1")
    foreign.outputs = [
        nbformat.v4.new_output("display_data", data={"text/html": "<b>FOREIGN</b>"}),
        nbformat.v4.new_output("execute_result", data={"text/plain": "FOREIGN"}),
        nbformat.v4.new_output("stream", text="FOREIGN"),
    ]
    nb.cells += [foreign, nbformat.v4.new_raw_cell("<b>FOREIGN</b>")]
    assert "FOREIGN" not in render_page(nb, result=result("x"), context=context())


def test_equal_inputs_give_equal_bytes() -> None:
    assert page("x") == page("x")


def test_the_shell_of_a_page_is_at_most_40_kb() -> None:
    empty = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# 03 · Who?")])
    bare = PageResult(page="03_segmentation", title="Segmentation", question="Who?")
    assert len(render_page(empty, result=bare, context=context()).encode()) <= 40_000


def test_nothing_is_fetched() -> None:
    text = page("x")
    assert "default-src 'none'" in text
    assert re.findall(r'(?:src|href|url)[=(]\s*"?(?:https?:)?//', text) == []


def test_the_policy_names_the_script_that_is_there() -> None:
    import base64
    import hashlib

    text = page("x")
    script = re.search(r"<script[^>]*>(.*?)</script>", text, re.DOTALL)
    assert script
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text


def chart_page() -> str:
    frame = pd.DataFrame({"name": ["a", "b"], "value": [0.5, 0.2]})
    chart = figures.bars(frame, label="name", value="value", unit="share")
    blocks = [chart_block(chart, alt="a is larger", caption="Shares, n = 2") for _ in range(2)]
    nb = notebook("x")
    nb.cells.insert(5, code(*blocks))
    return render_page(nb, result=result("x"), context=context())


def test_charts_have_words_and_captions_and_unique_ids() -> None:
    text = chart_page()
    assert text.count('role="img" aria-label="a is larger"') == text.count("<figcaption>Shares, n = 2") == 2
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_every_reference_inside_the_page_has_its_target() -> None:
    text = chart_page()
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(re.findall(r'\bid="([^"]+)"', text))


def test_tables_have_captions_and_scopes() -> None:
    text = page("x")
    assert text.count("<table") == text.count("<caption>")
    assert set(re.findall(r"<th\b[^>]*>", text)) <= set(re.findall(r'<th scope="(?:col|row)"[^>]*>', text))


def test_the_first_sentence_under_a_heading_is_the_cards_title() -> None:
    assert re.search(r'<p class="eyebrow">What they are worth</p>\s*<h2>x<b>x</b></h2>', page("x"))


def test_numbers_lead_home() -> None:
    assert '<a href="#sources">x</a>' in page("x")
    assert '<div id="sources">' in page("x")


def test_long_tables_are_cut_and_say_so() -> None:
    frame = pd.DataFrame({"name": [f"n{number}" for number in range(1200)]})
    block = table_block(frame, caption="Names")
    assert (len(block["rows"]), block["total"]) == (50, 1200)
    assert "The first 50 of 1,200 rows are shown." in fragment(block)


def test_an_empty_table_says_that_there_is_nothing() -> None:
    assert "Nothing to show" in fragment(table_block(pd.DataFrame({"name": []}), caption="Names"))


def test_missing_values_are_dashes_and_intervals_stand_under_the_value() -> None:
    frame = pd.DataFrame({"name": ["a", "b"], "x": [0.5, None], "x_low": [0.4, None], "x_high": [0.6, None]})
    block = table_block(frame, caption="Shares", units={"x": "share"})
    assert [head["label"] for head in block["heads"]] == ["Name", "X"]
    assert [row[1] for row in block["rows"]] == [("50.0%", "40% to 60%"), ("–", "")]


def test_a_first_run_says_that_there_is_nothing_to_compare_with() -> None:
    assert "Nothing to compare with" in render_page(notebook("x"), result=result("x"), context=context())


def counting(number: int, day: dt.date) -> PageResult:
    headline = Headline(key="k", label="Customers", value=number, unit="count", text=str(number))
    return result("x").model_copy(update={"headlines": (headline,), "as_of": day})


def test_what_changed_is_shown_beside_what_was() -> None:
    now, before = counting(12, dt.date(2018, 1, 2)), counting(10, dt.date(2017, 12, 1))
    text = render_page(notebook("x"), result=now, context=context(previous={"03_segmentation": before}))
    assert '<td class="n">12</td><td class="n">10</td><td class="n">+2</td>' in text
    assert "as of 1 December 2017" in text


def test_a_page_without_a_day_of_its_own_is_held_against_the_day_of_its_run() -> None:
    now, before = (counting(n, dt.date(2018, 1, 2)).model_copy(update={"as_of": None}) for n in (12, 10))
    run = {"03_segmentation": before, "07_campaign_regression": counting(1, dt.date(2017, 12, 1))}
    assert "as of 1 December 2017" in render_page(notebook("x"), result=now, context=context(previous=run))


def test_a_skipped_page_is_named_and_not_linked() -> None:
    text = page("x")
    assert "Campaign regression (skipped)" in text
    assert "07_campaign_regression.html" not in text


def manifest(run: str, status: str) -> Manifest:
    page_status = "failed" if status == "failed" else "good"
    record = {"page": "03_segmentation", "status": page_status, "notebook_sha256": "", "parameters": {}}
    return Manifest.model_validate(
        {"run": run, "company": "little", "status": status, "started_at": f"2018-01-0{run[-1]}T10:00:00",
         "seconds": 3.2, "as_of": "2018-01-02", "clean_version": "", "profile_sha256": "", "tables": [],
         "pages": [record | {"failed_cell": 4, "error": "boom"}], "packages": {},
         "resume": "crm run little --from 03" if status == "failed" else ""}
    )  # fmt: skip


def test_runs_are_listed_newest_first_and_failed_ones_say_how_to_go_on() -> None:
    text = render_company_index([manifest("r1", "good"), manifest("r2", "failed"), manifest("r3", "good")])
    places = [text.index(f'id="{run}"') for run in ("r3", "r2", "r1")]
    assert places == sorted(places)
    assert 'href="r3/index.html"' in text
    assert 'href="r2/index.html"' not in text
    assert "(cell 4): boom" in text
    assert "crm run little --from 03" in text


def test_a_company_without_runs_says_how_to_make_one() -> None:
    assert "crm run little makes one" in render_company_index([], name="little")
