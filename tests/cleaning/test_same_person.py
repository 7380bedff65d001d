"""Customers who are one person become one row, whatever refers to them follows, and ids stay."""

from __future__ import annotations

import pytest

PEOPLE = """id,who,phone,mail,born,town
3,Wei Zhang,13800138000,wei@example.com,1980-05-17,Lyon
12,Anna Svensson,13911112222,anna@example.com,1975-01-02,Rome
20,Zhang Wei,13800138000,wei@example.com,1980-05-17,
31,Omar Haddad,13722223333,omar@example.com,1990-11-30,Oslo
"""
COLUMNS = {
    "customer_id": "id", "name": "who", "phone": "phone", "email": "mail", "birth_date": "born",
    "city": "town",
}  # fmt: skip
LINES = """order,person,day,paid
A1,3,2024-01-05,10
A2,20,2024-01-06,2
A3,12,2024-01-06,3
A4,99,2024-01-07,4
"""


@pytest.fixture
def shop(shop):
    shop.top["country"] = "CN"
    shop.write("people.csv", PEOPLE)
    shop.write("lines.csv", LINES)
    shop.add("people", feeds="customers", columns=dict(COLUMNS))
    return shop


def merged(result):
    """Rows merged under the rule of people, by table."""
    lines = result.quality[result.quality["rule"] == "same person as another row"]
    return dict(zip(lines["table"], lines["merged"], strict=True))


def ids(result):
    return dict(result.people["people"].itertuples(index=False, name=None))


def test_two_rows_of_one_person_become_one_and_are_counted(shop):
    result = shop.clean()
    assert list(shop.table("customers")["customer_id"]) == ["3", "12", "31"]
    assert merged(result) == {"customers": 1}
    line = result.reconciliation.set_index("table").loc["customers"]
    assert (line["read"], line["clean"], line["merged"]) == (4, 3, 1)
    gone = result.quarantine[["table", "row", "outcome"]].to_numpy().tolist()
    assert gone == [["customers", 4, "merged"]]


def test_orders_go_to_the_id_that_is_kept_and_none_is_lost(shop):
    assert list(shop.table("transactions")["customer_id"]) == ["3", "3", "12", "99"]
    counted = shop.clean().census[["customers", "buyers", "sales"]]
    assert counted.astype(int).to_numpy().tolist() == [[3, 3, 19]]


def test_a_value_that_one_row_lacks_comes_from_the_other_and_is_traced(shop):
    shop.write("people.csv", PEOPLE.replace("05-17,\n", "05-17,Nice\n").replace("05-17,Lyon", "05-17,"))
    assert shop.table("customers").set_index("customer_id")["city"]["3"] == "Nice"
    origin = shop.clean().people["people_provenance"].set_index("column").loc["city"]
    assert tuple(origin) == ("3", "20", "most recent")


def test_contacts_of_both_ids_with_a_campaign_become_one(shop):
    shop.write("plan.csv", "id,a,b\nC1,2024-01-01,2024-01-31\n")
    shop.add("plan", feeds="campaigns", columns={"campaign_id": "id", "starts_on": "a", "ends_on": "b"})
    sent = ("C1,3,2024-01-03,treated,1", "C1,20,,holdout,0", "C1,12,,holdout,0")
    shop.write("sent.csv", "\n".join(["id,who,at,arm,yes", *sent]))
    columns = {
        "campaign_id": "id", "customer_id": "who", "contacted_at": "at", "arm": "arm", "responded": "yes",
    }  # fmt: skip
    shop.add("sent", feeds="campaign_contacts", columns=columns)
    found = shop.table("campaign_contacts").set_index("customer_id")
    assert dict(found["arm"]) == {"3": "treated", "12": "holdout"}
    assert dict(found["responded"]) == {"3": True, "12": False}
    assert str(found["contacted_at"]["3"]) == "2024-01-03 00:00:00"
    assert merged(shop.clean()) == {"customers": 1, "campaign_contacts": 1}


def test_a_relation_to_oneself_goes_and_one_told_twice_becomes_one(shop):
    shop.write("kin.csv", "one,other\n3,20\n3,12\n20,12\n31,31\n12,20\n")
    columns = {"customer_id": "one", "related_id": "other", "relation": {"sql": "'household'"}}
    shop.add("kin", feeds="relations", columns=columns)
    found = shop.table("relations")[["customer_id", "related_id"]].to_dict("split")["data"]
    assert found == [["3", "12"], ["31", "31"], ["12", "3"]]
    assert merged(shop.clean()) == {"customers": 1, "relations": 2}


@pytest.mark.parametrize("how", ["profile", "nothing mapped", "nobody alike"])
def test_otherwise_everybody_stays(shop, how):
    if how == "profile":
        shop.top["people"] = {"merge": False}
    elif how == "nothing mapped":
        for name in ("name", "phone", "email"):
            del shop.tables["customers"]["columns"][name]
    else:
        shop.write("people.csv", "".join(PEOPLE.splitlines(keepends=True)[:3]))
    result = shop.clean()
    assert merged(result) == {}
    assert result.people["people_provenance"].empty
    assert result.people["people"].empty == (how != "nobody alike")


def test_the_id_stays_when_a_customer_with_an_earlier_id_turns_out_to_be_the_person(shop):
    first = shop.clean()
    shop.write("people.csv", PEOPLE + "1,Wei Zhang,13800138000,,1980-05-17,Lyon\n")
    second = shop.clean()
    assert ids(second) == ids(first) | {"1": "3"}
    assert second.people["people_log"].empty
    assert shop.clean().version == second.version


def test_merges_and_splits_since_the_version_before_are_logged_and_stay(shop):
    shop.write("people.csv", PEOPLE.replace("Zhang Wei,13800138000,wei@", "Nina Kraft,13544445555,nina@"))
    assert ids(shop.clean())["20"] == "20"
    shop.write("people.csv", PEOPLE)
    joined = shop.clean()
    assert joined.people["people_log"].to_numpy().tolist() == [["merged", "20", "3", 1]]
    again = shop.clean()
    assert (again.version, again.people["people_log"].to_numpy().tolist()) == (
        joined.version, [["merged", "20", "3", 1]]
    )  # fmt: skip


def test_a_version_that_owes_nothing_to_the_one_before_has_the_same_name_as_without_it(shop, tmp_path):
    from small_company import SmallCompany

    shop.clean()
    shop.write("people.csv", PEOPLE + "40,Lena Berg,13266667777,lena@example.com,1960-02-03,Bern\n")
    fresh = SmallCompany(tmp_path / "fresh")
    fresh.top, fresh.tables, fresh.sources = shop.top, shop.tables, shop.sources
    for path in shop.source.iterdir():
        fresh.write(path.name, path.read_bytes())
    one, other = shop.clean().version, fresh.clean().version
    assert (one.version, one.tables) == (other.version, other.tables)


def test_thresholds_of_the_profile_are_used(shop):
    shop.write("people.csv", PEOPLE.replace("Zhang Wei,13800138000,wei@example.com", "Zhang Wei,,"))
    assert merged(shop.clean()) == {"customers": 1}
    shop.top["people"] = {"automatic": 0.9999999, "review": 0.5}
    result = shop.clean()
    assert merged(result) == {}
    assert list(result.people["people_review"]["customer_id"]) == ["20"]
