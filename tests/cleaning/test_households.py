"""Relations become households and companies: held against scipy's components and sums by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from crm_helpers.cleaning import people_findings
from crm_helpers.cleaning.households import group_customers
from crm_helpers.cleaning.standardise import clean_place
from crm_helpers.lake import connect
from crm_helpers.report.wording import sentence

COLUMNS = {"customer_id": "one", "related_id": "other", "relation": "kind"}
PEOPLE = "id\n3\n12\n20\n31\n40\n41\n"
LINES = (
    "order,person,day,paid\nA1,3,2024-01-05,10\nA2,20,2024-01-06,6\nA3,31,2024-01-06,3\nA4,41,2024-01-07,1\n"
)
KIN = (
    "one,other,kind\n12,3,household\n20,12,Spouse\n40,41,公司\n31,40,friend\n3,3,household\n3,99,household\n"
)


@pytest.fixture
def related(shop):
    shop.write("people.csv", PEOPLE)
    shop.add("people", feeds="customers", columns={"customer_id": "id"})
    shop.write("lines.csv", LINES)
    shop.write("kin.csv", KIN)
    shop.add("kin", feeds="relations", columns=dict(COLUMNS))
    return shop


def test_who_is_joined_by_any_way_is_one_household(related):
    found = related.clean().households["households"]
    assert found[["customer_id", "household_id", "kind", "customers"]].to_numpy().tolist() == [
        ["40", "40", "company", 2], ["41", "40", "company", 2],
        ["3", "3", "household", 3], ["12", "3", "household", 3], ["20", "3", "household", 3],
    ]  # fmt: skip


def test_what_a_household_ordered_is_the_sum_of_its_customers(related):
    value = related.clean().households["household_value"].set_index("kind")
    assert list(value.loc["household", ["customers", "buyers", "orders", "sales"]]) == [3, 2, 2, 16]
    assert str(value.loc["household", "last_order"])[:10] == "2024-01-06"


def test_customers_in_no_group_stand_beside_the_groups(related):
    sizes = related.clean().households["household_sizes"].astype({"sales": float})
    homes = sizes[sizes["kind"] == "household"].set_index("customers")
    assert homes["groups"].to_dict() == {1: 3, 3: 1}
    assert homes["sales"].to_dict() == {1: 4.0, 3: 16.0}
    assert homes["share_of_sales"].to_dict() == pytest.approx({1: 0.2, 3: 0.8})


def test_relations_that_lead_nowhere_are_counted(related):
    found = related.clean().households["household_relations"].set_index("kind")
    assert list(found.loc["household"]) == [4, 1, 1, 1, 0]
    assert list(found.loc["other"]) == [1, 0, 0, 0, 0]


def test_the_page_says_what_households_bring(related):
    result = related.clean()
    key, values = people_findings.household_sentence(result)
    said = sentence(key, values, currency="EUR")
    assert (values["customers"], values["groups"]) == (3, 1)
    assert values["share"] == pytest.approx(0.8)
    assert said
    key, values = people_findings.worth_sentence(result)
    assert (values["each"], values["alone"]) == pytest.approx((16 / 3, 4 / 3))
    assert sentence(key, values, currency="EUR")


def test_an_id_stays_when_a_household_grows(related):
    before = related.clean().households["households"]
    related.write("kin.csv", KIN + "41,20,household\n")
    after = related.clean().households["households"]
    both = before.merge(after, on=["customer_id", "kind"])
    assert (both["household_id_x"] == both["household_id_y"]).all()
    assert len(after) == len(before) + 1


def test_a_household_too_large_to_be_one_is_listed_and_not_believed(related):
    ids = [str(place) for place in range(100, 122)]
    related.write("people.csv", PEOPLE + "".join(f"{name}\n" for name in ids))
    related.write("kin.csv", KIN + "".join(f"{ids[0]},{name},household\n" for name in ids[1:]))
    found = related.clean().households
    giant = found["households"].query("household_id == '100'")
    assert (len(giant), giant["believed"].any()) == (22, False)
    assert found["household_sizes"]["customers"].max() == 3
    assert found["household_relations"].set_index("kind").loc["household", "too_large"] == 1


def test_without_relations_nothing_is_said_of_households(shop):
    result = shop.clean()
    assert [len(frame) for frame in result.households.values()] == [0] * 4
    assert people_findings.household_sentence(result) == ("cleaning.no_households", {})
    assert people_findings.worth_sentence(result) == ("cleaning.why_no_households", {})


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_groups_are_the_components_of_scipy(seed):
    random = np.random.default_rng(seed)
    size = 400
    ends = random.integers(0, size, (2, 260))
    names = np.array([f"{place}" for place in range(size)])
    engine = connect(threads=1)
    views = {
        "customers": pd.DataFrame({"customer_id": names}),
        "relations": pd.DataFrame(
            {"customer_id": names[ends[0]], "related_id": names[ends[1]], "relation": "company"}
        ),
    }
    for name, frame in views.items():
        engine.con.register(f"raw_{name}", frame)
        engine.raw_sql(f"CREATE TEMP VIEW {clean_place(name)} AS FROM raw_{name}")
    engine.raw_sql(
        f"CREATE TEMP VIEW {clean_place('transactions')} AS SELECT '1' AS customer_id, 'a' AS order_id,"
        " DATE '2024-01-01' AS ordered_at, 1.5 AS amount"
    )
    found = group_customers(engine)["households"].groupby("household_id")["customer_id"].agg(frozenset)
    graph = coo_array((np.ones(260), (ends[0], ends[1])), shape=(size, size))
    labels = pd.Series(names).groupby(connected_components(graph, directed=False)[1]).agg(frozenset)
    assert set(found) == {group for group in labels if len(group) > 1}
    smallest = {min(group, key=lambda name: (len(name), name)) for group in found}
    assert set(found.index) == smallest
