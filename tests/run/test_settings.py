"""Default, profile, file, command line: the later wins, and each is checked."""

from __future__ import annotations

import pytest

from crm_helpers.errors import InputError
from crm_helpers.run.plan import read_pages
from crm_helpers.run.settings import file_texts, given_texts, page_values


@pytest.fixture
def pages(shop):
    shop.page("01_alpha")
    shop.page("02_beta", parameters='code: str = ""  # text: a code\ncompany: str = "shop"  # name: folder')
    return read_pages(shop.root)


def settled(pages, profile=None, texts=()):
    return page_values(pages, profile or {}, texts=texts, company="shop", as_of="2024-12-31")


def test_the_later_source_wins(pages, tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text("01: {size: 5}\n")
    profile = {"01_alpha": {"size": 4}}
    from_file = file_texts(file, pages)
    from_call = given_texts(["01_al.size=6"], pages)
    found = [settled(pages, *layers)["01_alpha"]["size"] for layers in (
        (None,), (profile,), (profile, [from_file]), (profile, [from_file, from_call]),
    )]  # fmt: skip
    assert found == [3, 4, 5, 6]


def test_company_and_day_are_the_same_for_every_page_that_declares_them(pages):
    assert settled(pages)["01_alpha"] == {"company": "shop", "as_of": "2024-12-31", "size": 3}
    assert settled(pages)["02_beta"] == {"code": "", "company": "shop"}


@pytest.mark.parametrize("written", ["007", "'007'", "1_000", "null-ish", "2024-01-31", "yes"])
def test_a_file_keeps_text_as_it_is_written(pages, tmp_path, written):
    file = tmp_path / "p.yaml"
    file.write_text(f"02_beta:\n  code: {written}\n")
    assert settled(pages, None, [file_texts(file, pages)])["02_beta"]["code"] == written.strip("'")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("01_alpha: {size: 1, size: 2}", "01_alpha.size stands there twice"),
        ("01_alpha: {size: 1}\n01: {size: 2}", "01_alpha stands there twice"),
        ("01_alpha: {size: [1]}", "line 1: 01_alpha.size needs one plain value"),
        ("01_alpha:\n  size: {a: 1}", "line 2: 01_alpha.size needs one plain value"),
        ("01_alpha: {size: !!python/object/apply:os.getcwd []}", "needs one plain value"),
        ("01_alpha: {size: !!python/name:os.getcwd x}", "needs one plain value"),
        ("01_alpha: {size: }", "needs one plain value"),
        ("- 01_alpha", "write `PAGE:`"),
        ("01_alpha: 3", "write `PAGE:`"),
        ("01_alpha: {size: 1", "not valid YAML"),
        ("09_gamma: {size: 1}", 'no single page "09_gamma"'),
        ("01_alpha: {sise: 1}", 'did you mean "size"?'),
    ],
)
def test_a_file_that_is_wrong_is_refused(pages, tmp_path, content, said):
    file = tmp_path / "p.yaml"
    file.write_text(content)
    with pytest.raises(InputError) as error:
        file_texts(file, pages)
    assert said in str(error.value)


def test_a_file_that_is_not_there_is_named(pages, tmp_path):
    with pytest.raises(InputError, match=r"p\.yaml: No such file"):
        file_texts(tmp_path / "p.yaml", pages)


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("size=3", "write PAGE.NAME=VALUE"),
        ("01_alpha.size", "write PAGE.NAME=VALUE"),
        ("0.size=3", 'no single page "0"'),
        (".size=3", 'no single page ""'),
        ("01_alpha.sise=3", '01_alpha.sise: unknown parameter; did you mean "size"?'),
        ("01_alpha.x;import os=3", "letters, digits and _ only"),
        ("01_alpha.db_password=x", "secrets are not parameters"),
        ("01_alpha.company=other", "the same for every page"),
        ("01_alpha.as_of=2024-01-01", "the same for every page; see crm run --help"),
    ],
)
def test_an_assignment_that_is_wrong_is_refused(pages, assignment, said):
    with pytest.raises(InputError) as error:
        given_texts([assignment], pages)
    assert said in str(error.value)


def test_an_assignment_given_twice_is_refused(pages):
    with pytest.raises(InputError, match="given twice"):
        given_texts(["01.size=3", "01_alpha.size=4"], pages)


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ({"01_alpa": {"size": 3}}, 'profile.toml, pages.01_alpa: unknown page; did you mean "01_alpha"?'),
        ({"01_alpha": {"sise": 3}}, 'did you mean "size"?'),
        ({"01_alpha": {"size": "3"}}, "pages.01_alpha.size: '3' is not a whole number"),
    ],
)
def test_a_profile_that_is_wrong_is_refused(pages, profile, said):
    with pytest.raises(InputError) as error:
        settled(pages, profile)
    assert said in str(error.value)
