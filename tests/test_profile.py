from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from crm_helpers.errors import InputError
from crm_helpers.layout import CompanyFolder, company_folder
from crm_helpers.profile import Profile, load_profile

DESCRIPTION = Path(__file__).resolve().parent.parent / "docs" / "profile.md"

GOOD = """
name = "Shop"
currency = "EUR"
[sources.lines]
kind = "csv"
path = "source/lines.csv"
[tables.transactions]
source = "lines"
[tables.transactions.columns]
order_id = "order"
customer_id = "person"
ordered_at = { column = "day", formats = ["%d.%m.%Y"] }
amount = { sql = "paid * 2" }
"""


def load(tmp_path, text):
    folder = CompanyFolder(tmp_path, "shop")
    folder.data.mkdir(parents=True)
    folder.profile.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_profile(folder)


def fault(tmp_path, old, new):
    assert old in GOOD
    with pytest.raises(InputError) as raised:
        load(tmp_path, GOOD.replace(old, new))
    assert str(raised.value).startswith("data/shop/profile.toml: ")
    return str(raised.value).removeprefix("data/shop/profile.toml: ")


def test_a_good_profile_is_typed(tmp_path):
    profile = load(tmp_path, GOOD)
    columns = profile.tables["transactions"].columns
    assert columns["order_id"].column == "order"
    assert columns["ordered_at"].formats == ("%d.%m.%Y",)
    assert columns["amount"].sql == "paid * 2"
    assert (profile.timezone, profile.engine, profile.language) == ("UTC", "duckdb", "en")


@pytest.mark.parametrize("company", ["completejourney", "demo"])
def test_the_companies_that_come_with_the_project_are_good(company):
    root = Path(__file__).resolve().parent.parent
    assert load_profile(company_folder(company, root)).tables["transactions"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "Shop"', 'nam = "Shop"', 'nam: unknown key; did you mean "name"?'),
        ('path = "source/lines.csv"', 'pth = "x"', 'sources.lines.pth: unknown key; did you mean "path"?'),
        (
            'source = "lines"',
            'sorce = "lines"',
            'tables.transactions.sorce: unknown key; did you mean "source"?',
        ),
        ("formats =", "format =", 'ordered_at.format: unknown key; did you mean "formats"?'),
        (
            "order_id =",
            "order =",
            'tables.transactions.columns.order: unknown name; did you mean "order_id"?',
        ),
        ("[tables.transactions", "[tables.transaction", 'did you mean "transactions"?'),
        (
            'source = "lines"',
            'source = "line"',
            'tables.transactions.source: unknown name; did you mean "lines"?',
        ),
        ('currency = "EUR"', 'currency = "euro"', "currency: "),
        ('currency = "EUR"', 'currency = "EUR"\ntimezone = "Europe/Berln"', 'did you mean "Europe/Berlin"?'),
        ('currency = "EUR"', 'currency = "EUR"\nengine = "sparc"', "engine: "),
        ('kind = "csv"', 'kind = "cvs"', "sources.lines.kind: "),
        ('path = "source/lines.csv"', "", "sources.lines.path: Field required"),
        ('amount = { sql = "paid * 2" }', "", "tables.transactions.columns: map amount, required"),
        ('sql = "paid * 2"', 'sql = "paid", column = "paid"', "amount: needs either column or sql"),
        ('sql = "paid * 2"', "", "amount: needs either column or sql"),
        ("[sources.lines]", "[sources.Lines]", "sources.Lines"),
        ('source = "lines"', 'source = "lines"\nkey = ["orderid"]', "orderid: unknown name"),
    ],
)
def test_every_fault_names_its_key_and_the_way_out(tmp_path, old, new, said):
    assert said in fault(tmp_path, old, new)


REST = 'kind = "rest"\nurl = "https://host/orders"\n'
KEYED = 'incremental = { key = ["id"], cursor = "changed"'


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (REST + 'adress = "x"', "sources.lines.adress: unknown key"),
        (REST + 'auht = { type = "bearer", token_env = "T" }', 'auht: unknown key; did you mean "auth"?'),
        (
            REST + 'auth = { type = "barer", token_env = "T" }',
            'auth.type: unknown type; did you mean "bearer"?',
        ),
        (
            REST + 'auth = { token_env = "T" }',
            "auth.type: unknown type; known: api_key, basic, bearer, oauth2",
        ),
        (
            REST + 'auth = { type = "bearer", tokn_env = "T" }',
            'sources.lines.auth.tokn_env: unknown key; did you mean "token_env"?',
        ),
        (
            REST + 'paging = { type = "page", fist = 0 }',
            'lines.paging.fist: unknown key; did you mean "first"?',
        ),
        (REST + 'paging = { type = "page", size = 9 }', "lines.paging: size_param and size belong together"),
        (REST + 'path = "a.csv"', "sources.lines.path: unknown key"),
        (REST + KEYED + " }", "sources.lines: incremental of a REST source needs cursor, key and param"),
        (REST + KEYED + ', kye = "a" }', 'sources.lines.incremental.kye: unknown key; did you mean "key"?'),
        ('kind = "rest"\nurl = "ftp://host/a"', "sources.lines.url: must be an address as https://host/path"),
        ('kind = "rest"\nurl = "https://host/a?b=1"', "sources.lines.url: ends at its path"),
        ('kind = "sql"\nurl = "sqlite:///a.db"', "sources.lines.table: Field required"),
        ('kind = "sql"\ntable = "t"', 'sources.lines: kind "sql" needs table, and url or url_env'),
        ('kind = "sql"\ntabel = "t"', 'sources.lines.tabel: unknown key; did you mean "table"?'),
        (
            'kind = "sql"\ntable = "t"\nurl_env = "U"\nincremental = { key = ["id"] }',
            "sources.lines: incremental of a table needs cursor and key",
        ),
        (
            'path = "a.csv"',
            "lines.kind: unknown kind; known: csv, excel, json, jsonl, mongodb, parquet, rest, sql",
        ),
        ('kind = "mongo"\npath = "a.json"', 'sources.lines.kind: unknown kind; did you mean "mongodb"?'),
        ('kind = "json"\npath = "a"\nencodng = "x"', 'encodng: unknown key; did you mean "encoding"?'),
        ('kind = "csv"\npath = "a"\ntable = "t"', "sources.lines.table: unknown key"),
        ('kind = "json"\npath = "a"\nskip_rows = 1', 'skip_rows and header are for the kinds "csv"'),
        (
            'kind = "csv"\npath = "a"\nragged = 0.1\nincremental = { key = ["id"] }',
            "sources.lines: ragged is not for incremental",
        ),
    ],
)
def test_each_kind_of_source_knows_its_own_keys(tmp_path, source, said):
    assert said in fault(tmp_path, 'kind = "csv"\npath = "source/lines.csv"', source)


@pytest.mark.parametrize(
    "source",
    [
        'kind = "rest"\nurl = "https://me:geheim@host/orders"',
        'kind = "rest"\nurl = "https://host/orders"\nparams = { api_key = "geheim" }',
        'kind = "rest"\nurl = "https://host/orders"\nauth = { type = "bearer", token = "geheim" }',
        'kind = "rest"\nurl = "https://host/a"\nauth = { type = "bearer", token_env = "geheim" }',
        'kind = "sql"\nurl = "postgresql://me:ge/h@eim@host/geheim"\ntable = "t"',
        'kind = "sql"\nurl = "postgresql://host/db?password=geheim"\ntable = "t"',
        'kind = "sql"\nurl = "postgresql://me:geheim@host/db"\ntable = "t"',
        'kind = "sql"\nurl_env = "geheim is not a name"\ntable = "t"',
        'kind = "sql"\nurl_env = "URL"\nurl = "sqlite:///geheim.db"\ntable = "t"',
        'kind = "csv"\npath = "a.csv"\npassword = "geheim"',
    ],
)
def test_a_secret_is_refused_and_never_repeated(tmp_path, source):
    message = fault(tmp_path, 'kind = "csv"\npath = "source/lines.csv"', source)
    assert "sources.lines" in message
    assert "geheim" not in message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("automatc = 0.9", 'people.automatc: unknown key; did you mean "automatic"?'),
        ("automatic = 1.0", "people.automatic: "),
        ("automatic = 0.7", "people: review must not be above automatic"),
        ("merge = true", "people.merge: map name or phone or email or document_id of customers first"),
        ('survivorship = { nme = "first" }', 'survivorship.nme: unknown name; did you mean "name"?'),
        ('survivorship = { name = "newest" }', "people.survivorship.name: "),
    ],
)
def test_faults_about_people_name_their_key_too(tmp_path, line, said):
    assert said in fault(tmp_path, 'currency = "EUR"', f'currency = "EUR"\n[people]\n{line}')


def test_people_are_compared_where_there_is_something_to_compare(tmp_path):
    assert not load(tmp_path / "one", GOOD).merges_people
    customers = '[tables.customers]\nsource = "lines"\ncolumns = { customer_id = "person", email = "mail" }\n'
    assert load(tmp_path / "two", GOOD + customers).merges_people
    assert not load(tmp_path / "three", f"{GOOD}{customers}[people]\nmerge = false\n").merges_people


def test_all_faults_are_named_at_once(tmp_path):
    message = fault(tmp_path, 'currency = "EUR"', 'curency = "EUR"')
    assert "currency: Field required" in message
    assert 'curency: unknown key; did you mean "currency"?' in message


def test_a_company_sells_or_is_spoken_with(tmp_path):
    text = GOOD.split("[tables", maxsplit=1)[0] + "[tables]\n"
    with pytest.raises(InputError, match="tables: map transactions or communications, one of them at least"):
        load(tmp_path, text)


@pytest.mark.parametrize("text", ["name = ", 'name = "a"\nname = "b"', b"\xff\xfe"])
def test_what_is_not_toml_is_refused(tmp_path, text):
    with pytest.raises(InputError, match=r"data/shop/profile\.toml: not valid TOML"):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ('" x" = "true"', "tables.transactions.set_aside: ' x' is no name"),
        (f'"{"y" * 61}" = "true"', "has at most 60 signs"),
        ("\n".join(f'"r{i}" = "true"' for i in range(31)), "at most 30 conditions; join some of them by OR"),
        ('"x" = 1', "tables.transactions.set_aside.x: "),
    ],
)
def test_conditions_have_names_that_can_stand_in_a_report(tmp_path, rules, said):
    with pytest.raises(InputError) as raised:
        load(tmp_path, f"{GOOD}\n[tables.transactions.set_aside]\n{rules}\n")
    assert said in str(raised.value)


def models(kind: object) -> set[type[BaseModel]]:
    """Every model that a field of this kind may hold, and theirs."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        inner = [field.annotation for field in kind.model_fields.values()]
        return {kind}.union(*map(models, inner))
    return set().union(*map(models, get_args(kind)))


def test_every_key_of_a_profile_is_described():
    described = set(re.findall(r"[a-z_]+", DESCRIPTION.read_text(encoding="utf-8")))
    keys = {key for model in models(Profile) for key in model.model_fields}
    assert len(keys) > 50
    assert keys - described == set()


def test_the_examples_of_the_description_are_profiles(tmp_path):
    examples = re.findall(r"```toml\n(.*?)```", DESCRIPTION.read_text(encoding="utf-8"), flags=re.DOTALL)
    first, customers = examples[:4], examples[4]
    lines = '[sources.lines]\nkind = "csv"\npath = "a.csv"\n[tables.transactions]\nsource = "lines"\n'
    lines += 'columns = { order_id = "a", customer_id = "b", ordered_at = "c", amount = "d" }\n'
    customers = f'[tables.customers]\nsource = "lines"\n{customers}'
    # the part on what changed only belongs to the source of the first example on databases
    text = "\n".join([first[0], first[1], first[3], first[2], lines, customers, *examples[5:]])
    profile = load(tmp_path, text)
    assert {"orders", "tickets", "lines"} == set(profile.sources)
    assert profile.sources["orders"].incremental.key == ("order_id", "line")


def test_subjects_of_a_company_have_words(tmp_path):
    good = '[needs]\ngeneral = false\n[needs.subjects."road works"]\nzh = ["施工"]\n'
    assert load(tmp_path / "good", GOOD + good).needs.subjects["road works"].zh == ("施工",)
    with pytest.raises(InputError, match="needs words in zh, en or both"):
        load(tmp_path / "empty", GOOD + "[needs.subjects.works]\n")


def test_a_lift_test_is_typed_and_its_faults_name_the_key(tmp_path):
    days = "starts_on = 2024-03-01\nends_on = 2024-03-28\n"
    test = f'\n[[lift_tests]]\nchannel = "phone"\n{days}spend_change = 900\n'
    good = test + "orders = 140\nstandard_error = 35\n"
    assert load(tmp_path / "good", GOOD + good).lift_tests[0].orders == 140
    with pytest.raises(InputError, match=r"lift_tests\..*standard_error: Field required"):
        load(tmp_path / "less", GOOD + test + "orders = 140\n")
    with pytest.raises(InputError, match="ends_on is before starts_on"):
        load(tmp_path / "turned", GOOD + good.replace("2024-03-28", "2024-02-28"))
