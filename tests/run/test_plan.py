"""Order, side by side, skipped: all from what notebooks state that they read and write."""

from __future__ import annotations

import json

import pytest

from crm_helpers.errors import InputError
from crm_helpers.run.plan import find_page, make_plan, read_pages


@pytest.fixture
def pages(shop):
    shop.page("01_ingestion", writes=("raw",))
    shop.page("02_cleaning", reads=("raw",), writes=("customers", "transactions", "campaigns"))
    shop.page("03_segmentation", reads=("customers", "transactions"), writes=("segments",))
    shop.page("04_value", reads=("segments",))
    shop.page("07_campaigns", reads=("campaigns",), optional=("segments",))
    shop.page("10_reporting", optional=("results",))
    return read_pages(shop.root)


def test_pages_wait_for_what_they_read_and_for_nothing_else(pages):
    plan = make_plan(pages, set())
    assert plan.run == tuple(page.name for page in pages)
    assert {name: sorted(before) for name, before in plan.after.items()} == {
        "01_ingestion": [],
        "02_cleaning": ["01_ingestion"],
        "03_segmentation": ["02_cleaning"],
        "04_value": ["03_segmentation"],
        "07_campaigns": ["02_cleaning", "03_segmentation"],
        "10_reporting": ["01_ingestion", "02_cleaning", "03_segmentation", "04_value", "07_campaigns"],
    }


def test_a_page_whose_required_table_the_company_lacks_is_skipped_and_says_so(pages):
    plan = make_plan(pages, {"campaigns"})
    assert plan.skipped == {"07_campaigns": "needs campaigns: not in this company"}
    assert "07_campaigns" not in plan.run
    assert "10_reporting" in plan.run


def test_a_page_behind_a_skipped_page_is_skipped_too(pages):
    plan = make_plan(pages, {"customers"})
    assert list(plan.skipped) == ["03_segmentation", "04_value"]


def test_only_some_pages(pages):
    plan = make_plan(pages, set(), only={"03_segmentation", "10_reporting"})
    assert plan.run == ("03_segmentation", "10_reporting")
    assert plan.after["03_segmentation"] == frozenset()


def test_a_result_of_a_page_left_out_is_asked_for(pages):
    with pytest.raises(
        InputError, match=r"04_value needs segments, which 03_segmentation makes: add it to --only"
    ):
        make_plan(pages, set(), only={"04_value"})


def test_from_a_page_takes_over_the_ones_before(pages):
    plan = make_plan(pages, set(), start="07_campaigns")
    assert plan.reused == ("01_ingestion", "02_cleaning", "03_segmentation", "04_value")
    assert plan.run == ("07_campaigns", "10_reporting")


def test_a_number_orders_pages_only_where_nothing_else_does(shop):
    shop.page("01_last", reads=("thing",))
    shop.page("02_first", writes=("thing",))
    shop.page("03_free")
    assert make_plan(read_pages(shop.root), set()).run == ("02_first", "01_last", "03_free")


def test_pages_in_a_circle_are_refused(shop):
    shop.page("01_egg", reads=("hen",), writes=("egg",))
    shop.page("02_hen", reads=("egg",), writes=("hen",))
    with pytest.raises(InputError, match=r"wait for each other: .*01_egg.*02_hen|02_hen.*01_egg"):
        make_plan(read_pages(shop.root), set())


def test_two_writers_of_one_table_are_refused(shop):
    shop.page("01_one", writes=("thing",))
    shop.page("02_two", writes=("thing",))
    with pytest.raises(InputError, match="01_one and 02_two both write thing"):
        make_plan(read_pages(shop.root), set())


def test_two_pages_of_one_number_are_refused(shop):
    shop.page("01_one")
    shop.page("01_two")
    with pytest.raises(InputError, match="01_one and 01_two have the same number"):
        read_pages(shop.root)


def test_a_notebook_that_states_nothing_is_refused(shop):
    path = shop.page("01_one")
    notebook = json.loads(path.read_text())
    del notebook["metadata"]["crm"]
    path.write_text(json.dumps(notebook))
    with pytest.raises(InputError, match=r"notebooks/01_one\.ipynb: not a page"):
        read_pages(shop.root)


def test_other_files_among_the_notebooks_are_passed_over(shop):
    shop.page("01_one")
    (shop.root / "notebooks" / "Untitled.ipynb").write_text("{")
    assert [page.name for page in read_pages(shop.root)] == ["01_one"]


def test_the_hash_is_of_the_sources_not_of_outputs(shop):
    path = shop.page("01_one", "1")
    before = read_pages(shop.root)[0].sha256
    notebook = json.loads(path.read_text())
    notebook["cells"][3]["execution_count"] = 7
    path.write_text(json.dumps(notebook))
    assert read_pages(shop.root)[0].sha256 == before
    notebook["cells"][3]["source"] = "2"
    path.write_text(json.dumps(notebook))
    assert read_pages(shop.root)[0].sha256 != before


@pytest.mark.parametrize("asked", ["03", "03_segmentation", "03_seg"])
def test_a_page_is_found_by_number_name_or_beginning(pages, asked):
    assert find_page(asked, pages).name == "03_segmentation"


@pytest.mark.parametrize("asked", ["", "0", "3", "05", "segmentation"])
def test_a_page_that_is_not_one_is_refused(pages, asked):
    with pytest.raises(InputError, match="no single page"):
        find_page(asked, pages)
