"""The customer file of the simulated company: names, telephones, addresses, and its dirt."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crm_helpers.demo.dirt import Ledger, hits, plant, repeated
from crm_helpers.demo.people import People, Records
from crm_helpers.demo.plan import CHANNELS, WINDOW_START, generator
from crm_helpers.demo.text import blank, dates, identifiers, join, pick, when
from crm_helpers.demo.words import book, spelt

__all__ = ["REGIONS", "customer_file", "region_of", "relation_table"]

_WORDS = book("words")
_SURNAMES, _GIVEN = spelt(_WORDS["names"]["surnames"]), spelt(_WORDS["names"]["given"])
_ENGLISH = _WORDS["names"]["english"]
_PREFIXES, _DOMAINS, _STREETS = (_WORDS["contact"][name] for name in ("prefixes", "domains", "streets"))
_STYLES = (("", "", ""), ("", " ", " "), ("", "-", "-"), ("+86 ", "", ""), ("86-", "", ""))  # of telephones
_STYLE_SHARES = (0.7, 0.08, 0.1, 0.08, 0.04)
REGIONS = tuple(_WORDS["regions"])
_REGION_SHARES = [item["share"] for item in _WORDS["regions"].values()]
_CITIES = [city for item in _WORDS["regions"].values() for city in item["cities"]]
_INCOMES = ("5千以下", "5千-1万", "1万-2万", "2万-5万", "5万以上")
_CONSENT = ("是", "否", "Y", "N")


def region_of(people: People, seed: int) -> np.ndarray:
    """Return the place in `REGIONS` of each person; households share one."""
    drawn: np.ndarray = generator(seed, 5).choice(len(REGIONS), len(people), p=_REGION_SHARES)
    return np.asarray(drawn[people.household])


def customer_file(people: People, records: Records, *, seed: int, ledger: Ledger) -> pa.Table:
    """Make the customer file as the company exports it, duplicates and other dirt included.

    Parameters
    ----------
    people, records
        The people and their ids.
    seed
        The company's seed.
    ledger
        Grows by the dirt planted.

    Returns
    -------
    pyarrow.Table
        One row an id, and a few rows twice; Chinese headers; all text.
    """
    random, person = generator(seed, 6), records.person
    ledger["customers", "duplicate person", "merged"] += int(records.duplicate.sum())
    names = _names(people, records, random)
    where = _addresses(people, seed)
    table = pa.table(
        {
            "客户编号": identifiers(np.arange(1, len(records) + 1), records.width),
            "姓名": names[0],
            "性别": _genders(people, records, random),
            "出生日期": _births(people, records, seed, ledger),
            "手机": _phones(people, records, random, ledger),
            "邮箱": _emails(records, names[1], random, ledger),
            "地址": where[0].take(pa.array(person)),
            "城市": where[1].take(pa.array(person)),
            "省份": pick(REGIONS, region_of(people, seed)[person]),
            "注册日期": _joined(records, random),
            "来源渠道": pick([c.chinese for c in CHANNELS], people.home[person]),
            "同意营销": _consent(people, records, random, ledger),
            "收入档": _incomes(people, records, seed, ledger),
        }
    )
    again = hits(random, len(records), share=0.001)
    ledger["customers", "exact duplicate row", "merged"] += len(again)
    return table.take(pa.array(repeated(len(records), again)))


def _names(people: People, records: Records, random: np.random.Generator) -> tuple[pa.Array, pa.Array]:
    """Make names and their Latin spelling; a third of the duplicates has another last character."""
    size, person = len(people), records.person
    family = np.minimum(random.exponential(9, size).astype(np.int64), len(_SURNAMES[0]) - 1)
    middle, last = (random.integers(0, len(_GIVEN[0]), size) for _ in range(2))
    single, foreign = random.random(size) < 0.15, random.random(size) < 0.04
    english = random.integers(0, len(_ENGLISH), size)
    latin = join(pick(_SURNAMES[1], family), pick(_GIVEN[1], last))
    spelt = pick([name.lower().replace(" ", ".") for name in _ENGLISH], english)
    typo = records.duplicate & (random.random(len(records)) < 0.35)
    last = np.where(typo, (last[person] + 1) % len(_GIVEN[0]), last[person])
    middle_text = blank(single[person], pick(_GIVEN[0], middle[person]), filler="")
    gap = pick(("", " "), (records.duplicate & (random.random(len(records)) < 0.15)).astype(int))
    chinese = join(pick(_SURNAMES[0], family[person]), gap, middle_text, pick(_GIVEN[0], last))
    return when(foreign[person], pick(_ENGLISH, english[person]), chinese), when(foreign, spelt, latin)


def _genders(people: People, records: Records, random: np.random.Generator) -> pa.Array:
    female = random.integers(0, 2, len(people))[records.person]
    latin = random.random(len(records)) < 0.1
    words = when(latin, pick(("M", "F"), female), pick(("男", "女"), female))
    return blank(random.random(len(records)) < 0.05, words, filler="未知")


def _births(people: People, records: Records, seed: int, ledger: Ledger) -> pa.Array:
    random, size = generator(seed, 7), len(records)
    age = np.clip(random.normal(38, 12, len(people)), 18, 85)
    day = (WINDOW_START - age * 365.25).astype(np.int64)[records.person]
    dirty = random.permutation(size)
    few, very_few = max(size // 250, 1), max(size // 1000, 1)
    placeholder, future, rest = np.split(dirty, [few, few + very_few])
    missing = rest[: size // 16]
    day[placeholder] = np.datetime64("1900-01-01").astype(np.int64)
    day[future] = np.datetime64("2031-01-01").astype(np.int64) + random.integers(0, 900, len(future))
    plant(ledger, ("customers", "birth date 1900-01-01", "declared missing"), rows=size, chosen=placeholder)
    plant(ledger, ("customers", "birth date in the future", "set missing"), rows=size, chosen=future)
    gone = plant(ledger, ("customers", "birth date missing", "none"), rows=size, chosen=missing)
    plain = (random.random(size) < 0.7).astype(int)
    year, month, end = (pick(words, plain) for words in (("年", "-"), ("月", "-"), ("日", "")))
    return blank(gone, dates(day, year, month=month, end=end))


def _phones(people: People, records: Records, random: np.random.Generator, ledger: Ledger) -> pa.Array:
    """Make mobile numbers in five styles; a quarter of the duplicates has a wrong last digit."""
    size, person = len(people), records.person
    head, middle = random.integers(0, len(_PREFIXES), size)[person], random.integers(0, 10_000, size)[person]
    tail = random.integers(0, 10_000, size)[person]
    typo = records.duplicate & (random.random(len(records)) < 0.25)
    tail = np.where(typo, tail - tail % 10 + (tail % 10 + 3) % 10, tail)
    style = random.choice(len(_STYLES), len(records), p=_STYLE_SHARES)
    before, first, second = (pick([s[part] for s in _STYLES], style) for part in range(3))
    text = join(before, pick(_PREFIXES, head), first, identifiers(middle, 4), second, identifiers(tail, 4))
    return _lose(text, "telephone", share=0.03, random=random, ledger=ledger)


def _emails(records: Records, latin: pa.Array, random: np.random.Generator, ledger: Ledger) -> pa.Array:
    size, people, person = len(records), len(latin), records.person
    number = random.integers(1, 10_000, people)[person]
    domain = random.integers(0, len(_DOMAINS), people)[person]
    elsewhere = records.duplicate & (random.random(size) < 0.2)
    domain = np.where(elsewhere, (domain + 1) % len(_DOMAINS), domain)
    local = join(latin.take(pa.array(person)), identifiers(number, 1))
    shouted = records.duplicate & (random.random(size) < 0.25)
    text = join(local, "@", pick(_DOMAINS, domain))
    text = when(shouted, pc.utf8_upper(text), text)
    return _lose(text, "e-mail", share=0.08, random=random, ledger=ledger)


def _lose(
    text: pa.Array, kind: str, *, share: float, random: np.random.Generator, ledger: Ledger
) -> pa.Array:
    gone = hits(random, len(text), share=share)
    return blank(plant(ledger, ("customers", f"{kind} missing", "none"), rows=len(text), chosen=gone), text)


def _addresses(people: People, seed: int) -> tuple[pa.Array, pa.Array]:
    random, size = generator(seed, 8), len(people)
    region, home = region_of(people, seed), people.household
    second, street = random.integers(0, 2, size)[home], random.integers(0, len(_STREETS), size)[home]
    numbers = [identifiers(random.integers(1, most, size)[home], 1) for most in (400, 30, 2000)]
    city = pick(_CITIES, region * 2 + second)
    town = join(city, "市", pick(_STREETS, street))
    return join(town, numbers[0], "号", numbers[1], "栋", numbers[2], "室"), city


def _joined(records: Records, random: np.random.Generator) -> pa.Array:
    between = pick(("-", "/"), (random.random(len(records)) < 0.3).astype(int))
    return dates(records.joined, between, month=between)


def _consent(people: People, records: Records, random: np.random.Generator, ledger: Ledger) -> pa.Array:
    no = (random.random(len(people)) < 0.3).astype(int)[records.person]
    words = pick(_CONSENT, no + 2 * (random.random(len(records)) < 0.25))
    return _lose(words, "consent", share=0.02, random=random, ledger=ledger)


def _incomes(people: People, records: Records, seed: int, ledger: Ledger) -> pa.Array:
    random = generator(seed, 9)
    level = np.clip(np.log(people.value) - 3.3 + random.normal(0, 0.9, len(people)), 0, 4.99).astype(int)
    words = pick(_INCOMES, level[records.person])
    return _lose(words, "income", share=0.3, random=random, ledger=ledger)


def relation_table(people: People, records: Records, *, seed: int) -> pa.Table:
    """List households that share an address, and people who work for the same company.

    Parameters
    ----------
    people, records
        The people and their ids.
    seed
        The company's seed.

    Returns
    -------
    pyarrow.Table
        customer_no, related_no, relation.
    """
    random = generator(seed, 10)
    sharing = np.flatnonzero(people.household != np.arange(len(people)))
    staff = random.permutation(len(people))[: len(people) // 50]
    contacts = staff[: max(len(staff) // 6, 1)] if len(staff) else staff
    boss = random.choice(contacts, len(staff)) if len(staff) else staff
    apart = staff != boss
    one = np.concatenate([sharing, staff[apart]])
    other = np.concatenate([people.household[sharing], boss[apart]])
    kind = np.repeat([0, 1], [len(sharing), int(apart.sum())])
    return pa.table(
        {
            "customer_no": identifiers(records.first[one], records.width),
            "related_no": identifiers(records.first[other], records.width),
            "relation": pick(("household", "company"), kind),
        }
    )
