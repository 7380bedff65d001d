from __future__ import annotations

import ibis
import pandas as pd
import pytest

from crm_helpers.cleaning.people.settings import PeopleSettings
from crm_helpers.cleaning.people.standardise import prepare


def standard(settings=None, **columns):
    rows = max(len(values) for values in columns.values())
    ids = [f"{place:02}" for place in range(rows)]
    frame = pd.DataFrame({"customer_id": ids, **columns}, dtype="object")
    prepared = prepare(ibis.memtable(frame), settings or PeopleSettings(country="CN"))
    return prepared.connection.con.execute("FROM people ORDER BY customer_id").df()


@pytest.mark.parametrize(
    ("written", "key", "family"),
    [
        ("张 志海", "zhang zhihai", "zhang"),
        ("诸葛平新", "pingxin zhuge", "zhuge"),
        ("单雄信", "shan xiongxin", "shan"),
        ("王伟先生", "wang wei", "wang"),
        ("Zhihai ZHANG", "zhang zhihai", "zhang"),
        ("Ｚｈａｎｇ　Ｗｅｉ", "wei zhang", "wei"),
        ("O'Brien, Seán", "obrien sean", "obrien"),
        ("Anne-Marie Müller", "anne marie muller", "muller"),
        ("Prince", "prince", None),
        ("???", None, None),
    ],
)
def test_names_get_one_spelling(written, key, family):
    row = standard(name=[written]).astype("object").where(lambda t: t.notna(), None).iloc[0]
    assert (row["name_key"], row["family"]) == (key, family)


@pytest.mark.parametrize(
    ("country", "written", "number"),
    [
        ("CN", "186-4634-8000", "+8618646348000"),
        ("CN", "+86 186 4634 8000", "+8618646348000"),
        ("CN", "0086-18646348000", "+8618646348000"),
        ("CN", "（010）６２３４５６７８", "+861062345678"),
        ("GB", "020 7946 0018", "+442079460018"),
        ("", "020 7946 0018", "02079460018"),
        ("", "+44 20 7946 0018", "+442079460018"),
        ("CN", "110", None),
    ],
)
def test_telephones_get_one_form(country, written, number):
    found = standard(PeopleSettings(country=country), phone=[written])["phone"]
    assert found.astype("object").where(found.notna(), None)[0] == number


def test_emails_lose_case_and_tags():
    found = standard(email=["Zhang.Wei+Shop@QQ.com", "info@shop.cn", "no address"])
    assert found["email"].fillna("").tolist() == ["zhang.wei@qq.com", "info@shop.cn", ""]
    assert found["email_local"].fillna("").tolist() == ["zhang.wei", "", ""]


def test_addresses_are_split_into_words_and_numbers():
    found = standard(address=["深圳市学院路 65号11栋１475室"]).iloc[0]
    assert (found["numbers"], found["street"]) == ("65-11-1475", "深圳市学院路号栋室")


def test_birth_dates_keep_the_day_of_dates_and_times():
    days = [pd.Timestamp("1980-05-17"), None]
    assert standard(birth_date=days)["birth_date"].fillna("").tolist() == ["1980-05-17", ""]


def test_a_forms_default_birth_date_is_left_out():
    days = ["1900-01-01"] * 30 + [f"1980-01-{day:02}" for day in range(1, 32)]
    found = standard(PeopleSettings(most_holders=20), birth_date=days)["birth_date"]
    assert found.notna().sum() == 31
