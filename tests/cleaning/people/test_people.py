from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pandas.testing as pdt
import pytest

from crm_helpers.cleaning.people import people_at
from crm_helpers.cleaning.people.quality import by_pairs
from crm_helpers.errors import InputError, RunError

SAME = {"name": "欧阳志海", "birth_date": "1980-05-17", "phone": "13800138000", "email": "zhihai@example.com"}
OTHERS = [
    {"name": "王芳", "birth_date": "1975-01-02", "phone": "13911112222", "email": "wf75@example.com"},
    {"name": "James Carter", "birth_date": "1990-11-30", "phone": "13722223333", "email": "jc@example.com"},
]


def table(*rows: dict[str, str | None]) -> pd.DataFrame:
    return pd.DataFrame([{"customer_id": f"{place:02}"} | row for place, row in enumerate(rows)])


def partners(result, customer="00"):
    people = result.people.set_index("customer_id")["person_id"]
    return set(people.index[people == people[customer]])


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "欧阳 志海", "phone": "+86 138-0013-8000"},
        {"name": "欧阳志嗨", "email": "ZHIHAI@EXAMPLE.COM"},  # another character of the same sound
        {"name": "Zhihai Ouyang"},
        {"name": "ＯＵＹＡＮＧ　Ｚｈｉｈａｉ", "phone": None},
        {"birth_date": "1980-05-18", "email": None},
        {"phone": "13800138001", "birth_date": None},
    ],
)
def test_one_person_written_twice_is_merged(link, changed):
    assert partners(link(table(SAME, SAME | changed, *OTHERS))) == {"00", "01"}


@pytest.mark.parametrize("swapped", ["Carter James", "CARTER, James", "Mr. James  Carter"])
def test_swapped_and_titled_names_are_one(link, swapped):
    assert partners(link(table(OTHERS[1], OTHERS[1] | {"name": swapped}, SAME))) == {"00", "01"}


def test_a_family_that_shares_everything_is_not_merged(link):
    home = {"phone": "13800138000", "email": "home@example.com", "address": "人民路1号2栋301室"}
    family = [
        {"name": "王伟", "birth_date": "1970-03-04"}, {"name": "李芳", "birth_date": "1972-08-19"},
        {"name": "王梓涵", "birth_date": "2001-12-25"},
    ]  # fmt: skip
    assert link(table(*(home | one for one in family))).people["person_id"].nunique() == 3


def test_twins_are_asked_not_merged(link):
    home = {"phone": "13800138000", "address": "人民路1号2栋301室", "birth_date": "2001-12-25"}
    assert partners(link(table(home | {"name": "王梓涵"}, home | {"name": "王浩然"}, *OTHERS))) == {"00"}


def test_father_and_son_of_one_name_are_asked(link):
    home = {
        "name": "Carter James",
        "phone": "13800138000",
        "address": "1 High Street",
        "email": "c@example.com",
    }
    result = link(table(home | {"birth_date": "1950-02-03"}, home | {"birth_date": "1982-11-27"}, *OTHERS))
    assert (partners(result), list(result.review["reason"])) == (
        {"00"}, ["names, birth dates or identifiers contradict"]
    )  # fmt: skip


def test_an_empty_birth_date_does_not_chain_two_people(link):
    one = {"name": "王伟", "phone": "13800138000", "email": "ww@example.com"}
    rows = [one | {"birth_date": day} for day in ("1970-03-04", None, "1999-10-30")]
    result = link(table(*rows, *OTHERS))
    assert result.people["person_id"].nunique() == 4
    assert "review" in set(result.pairs["decision"])


def test_planted_people_are_found(company):
    result, truth, _ = company
    found = by_pairs(result.people, truth)
    assert found.precision >= 0.99
    assert found.recall >= 0.95


def test_a_company_without_duplicates_gets_none_merged(link, simulation):
    customers, _ = simulation(3_000, twice=0.0, sharing=0.3, seed=3)
    result = link(customers)
    assert result.people["person_id"].nunique() == 3_000
    assert not result.learnt


def test_two_runs_are_equal_to_the_last_digit(company, link):
    result, _, customers = company
    again = link(customers.sample(frac=1, random_state=2))
    for name in ("people", "pairs", "rules", "model", "sizes", "curve"):
        pdt.assert_frame_equal(getattr(result, name), getattr(again, name), check_exact=True)


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_few_customers_are_each_a_person(link, rows):
    customers = pd.DataFrame({"customer_id": ["a", "b"], "name": ["王伟", "李芳"]}).astype("str")
    result = link(customers.iloc[:rows])
    assert list(result.people["person_id"]) == ["a", "b"][:rows]


def test_without_anything_to_compare_each_customer_is_a_person(link):
    result = link(pd.DataFrame({"customer_id": ["a", "b", "c"]}))
    assert result.people["person_id"].nunique() == 3
    assert result.rules.empty
    assert list(result.curve["people"].unique()) == [3]


def test_empty_columns_are_no_evidence(link):
    columns = {"customer_id": ["a", "b"], "name": [None, None], "phone": ["", " "]}
    customers = pd.DataFrame(columns, dtype="object")
    assert link(customers).people["person_id"].nunique() == 2


def test_the_same_id_twice_is_refused(link):
    with pytest.raises(InputError, match="more than once in 1"):
        link(pd.DataFrame({"customer_id": ["a", "a"], "name": ["王伟", "王伟"]}))


def test_an_unknown_identifier_is_refused_with_a_suggestion(link):
    with pytest.raises(InputError, match='did you mean "passport"'):
        link(pd.DataFrame({"customer_id": ["a"], "passport": ["1"]}), identifiers=("pasport",))


def test_identifiers_join_and_separate(link):
    one = {"name": "王伟", "phone": "13800138000"}
    rows = [one | {"passport": "E12345678"}, one | {"passport": "E12345678"}, one | {"passport": "G99988877"}]
    assert partners(link(table(*rows, *OTHERS), identifiers=("passport",))) == {"00", "01"}


def test_a_card_that_a_family_shares_does_not_make_it_one_person(link):
    home = {"phone": "13800138000", "address": "人民路1号2栋301室", "card": "70012345"}
    rows = [{"name": "王伟", "birth_date": "1970-03-04"}, {"name": "李芳", "birth_date": "1982-08-19"}]
    assert partners(link(table(*(home | row for row in rows), *OTHERS), identifiers=("card",))) == {"00"}


def test_cards_given_out_one_after_the_other_do_not_make_twins_one_person(link):
    home = {"phone": "13800138000", "address": "人民路1号2栋301室", "birth_date": "2001-12-25"}
    rows = [{"name": "王梓涵", "card": "70012345"}, {"name": "王浩然", "card": "70012346"}]
    assert partners(link(table(*(home | row for row in rows), *OTHERS), identifiers=("card",))) == {"00"}


def test_a_slip_in_the_number_of_a_document_is_forgiven(link):
    one = {"name": "王伟", "birth_date": "1970-03-04", "passport": "E12345678"}
    rows = [one, one | {"passport": "E12345687", "phone": "13800138000"}]
    assert partners(link(table(*rows, *OTHERS), identifiers=("passport",))) == {"00", "01"}


def test_a_number_that_too_many_share_is_no_evidence(link):
    names = ["王伟", "李芳", "张敏", "刘静", "陈丽", "杨强", "赵磊", "黄军"]
    rows = [{"name": name, "phone": "13800138000"} for name in names]
    result = link(table(*rows), most_holders=5)
    assert result.ignored.to_dict("records") == [{"column": "phone", "records": 8}]
    assert result.people["person_id"].nunique() == 8


def test_people_keep_their_ids(company, link):
    result, _, customers = company
    fewer = customers.iloc[: len(customers) - 50]
    again = link(fewer, previous=result.people).people.merge(result.people, on="customer_id")
    assert (again["person_id_x"] == again["person_id_y"]).mean() > 0.999


def test_the_curve_meets_the_people_at_its_threshold(company):
    result, _, _ = company
    at = result.curve.set_index("threshold")["people"]
    assert at[0.99] == result.people["person_id"].nunique()
    assert at.is_monotonic_increasing


def test_nothing_is_printed_logged_or_drawn():
    code = (
        "import pandas as pd, ibis, sys\n"
        "import crm_helpers.cleaning.people as people\n"
        "assert not {'splink', 'altair', 'pypinyin', 'phonenumbers'} & set(sys.modules)\n"
        "rows = {'customer_id': ['a', 'b'], 'name': ['王伟', '王伟'], 'phone': ['13800138000'] * 2}\n"
        "people.link_people(ibis.memtable(pd.DataFrame(rows)))\n"
        "assert 'altair' not in sys.modules\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("threshold", [0.5, 0.9, 0.99, 0.999])
def test_people_at_another_threshold_are_as_many_as_the_curve_says(company, threshold):
    result, _, _ = company
    counted = result.curve.set_index("threshold")["people"][threshold]
    assert people_at(result.people, result.open_pairs, threshold)["person_id"].nunique() == counted


def test_people_at_the_threshold_in_force_are_the_people(company):
    result, _, _ = company
    pdt.assert_frame_equal(people_at(result.people, result.open_pairs, 0.99), result.people)


def test_an_engine_that_fails_names_the_way_out_and_no_value(link, simulation):
    customers, _ = simulation(3_000, twice=0.1, sharing=0.3, seed=3)
    with pytest.raises(RunError, match=r"OutOfMemory.*merge = false under \[people\]") as caught:
        link(customers, memory="1MB")
    assert caught.value.__cause__ is None
    assert not [name for name in customers["name"] if name in str(caught.value)]


def test_a_company_whose_names_often_collide_gets_nobody_merged(link):
    """5,000 people: few names, days in few years, families with one telephone and one mailbox."""
    random = np.random.default_rng(4)
    size, families, given = 5_000, list("王李张刘陈杨赵黄周吴"), list("伟芳娜敏静丽强磊军洋勇艳杰娟涛")
    home = np.where(random.random(size) < 0.3, random.integers(0, size, size), np.arange(size))
    family, first = random.integers(0, len(families), size)[home], random.integers(0, len(given), size)
    birth = np.datetime64("1960-01-01") + random.integers(0, 15_000, size).astype("timedelta64[D]")
    customers = pd.DataFrame(
        {
            "customer_id": [f"{place:05}" for place in range(size)],
            "name": [families[f] + given[g] for f, g in zip(family, first, strict=True)],
            "birth_date": birth.astype(str), "phone": (13_000_000_000 + home * 7).astype(str),
            "email": [f"home{house}@example.com" for house in home],
            "city": random.choice(["城", "镇"], size),
        }
    )  # fmt: skip
    named_alike = pd.DataFrame({"home": home, "name": customers["name"]}).duplicated(keep=False)
    result = link(customers)
    merged = result.people["customer_id"] != result.people["person_id"]
    assert named_alike.sum() > 50  # a father and a son of one name, one telephone and one mailbox
    assert not merged.any()


@pytest.mark.parametrize("known", ["birth_date", "nothing more"])
def test_a_family_of_one_name_telephone_and_mailbox_is_not_merged_into_one(link, known):
    home = {"phone": "13800138000", "email": "wang.home@example.com", "address": "人民路1号2栋301室"}
    names = ["王伟", "王芳", "王强", "王丽", "王军"]
    days = ["1950-03-04", "1953-08-19", "1978-12-25", "1980-01-30", "2004-06-11"]
    rows = [
        home | {"name": name} | ({"birth_date": day} if known == "birth_date" else {})
        for name, day in zip(names, days, strict=True)
    ]
    assert link(table(*rows, *OTHERS)).people["person_id"].nunique() == 5 + len(OTHERS)
