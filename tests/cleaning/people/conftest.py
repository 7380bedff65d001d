"""Small companies whose people are known."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_helpers.cleaning.people import PeopleResult, PeopleSettings, link_people

GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红"
    "建国文辉梅鑫宇浩然子涵欣怡雨桐梓轩佳慧琪晨博思嘉婷雪龙"
)
FAMILIES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"


def simulate(size: int, *, twice: float, sharing: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw customers: some people twice, with slips and gaps; some share a family's contacts."""
    random = np.random.default_rng(seed)
    persons = round(size / (1 + twice))
    second_records = random.choice(persons, size - persons, replace=False)
    person = np.concatenate([np.arange(persons), second_records])
    again = np.arange(size) >= persons
    shares, head = random.random(persons) < sharing, random.integers(0, persons, persons)
    home = np.where(shares, head, np.arange(persons))
    first, second = random.integers(0, len(GIVEN), (2, persons))
    family = random.integers(0, len(FAMILIES), persons)[home]
    slip = again & (random.random(size) < 0.3)
    names = [
        (FAMILIES[family[p]], GIVEN[first[p]] + GIVEN[(second[p] + s) % len(GIVEN)])
        for p, s in zip(person, slip, strict=True)
    ]
    number = 13_000_000_000 + random.integers(0, 10**9, persons)[home][person]
    number = number + np.where(again & (random.random(size) < 0.2), 3, 0)
    born = (np.datetime64("1950-01-01") + random.integers(0, 20_000, persons))[person].astype(str)
    house = random.integers(1, 10**5, persons)[home][person]
    gaps = random.random((2, size)) < 0.06
    customers = pd.DataFrame(
        {
            "customer_id": [f"{place:06}" for place in range(size)],
            "name": [a + b for a, b in names],
            "birth_date": pd.Series(born).mask(gaps[0]),
            "phone": pd.Series(number.astype(str)).mask(gaps[1]),
            "email": pd.Series([f"u{p}@example.com" for p in person]).mask(random.random(size) < 0.25),
            "address": [f"人民路{h % 400}号{h // 400}室" for h in house],
            "city": [f"城{h % 20}" for h in home[person]],
        }
    )
    truth = pd.DataFrame({"customer_id": customers["customer_id"], "person_id": person.astype(str)})
    return customers, truth


def linked(customers: pd.DataFrame, previous: pd.DataFrame | None = None, **settings: object) -> PeopleResult:
    """Link a frame of customers of a Chinese company."""
    chosen = PeopleSettings(**{"country": "CN", **settings})
    return link_people(ibis.memtable(customers), chosen, previous=previous)


@pytest.fixture(scope="session")
def company() -> tuple[PeopleResult, pd.DataFrame, pd.DataFrame]:
    """4,000 customers, a tenth of the people twice, three in ten sharing a family's telephone and address."""
    customers, truth = simulate(4_000, twice=0.1, sharing=0.3, seed=7)
    return linked(customers), truth, customers


@pytest.fixture
def link() -> object:
    """Link a frame of customers."""
    return linked


@pytest.fixture
def simulation() -> object:
    """Draw customers and the truth about them."""
    return simulate
