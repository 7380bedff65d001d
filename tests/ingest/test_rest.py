from __future__ import annotations

import time
from itertools import count

import pyarrow.parquet as pq
import pytest
from small_api import small_api

from crm_helpers.errors import InputError
from crm_helpers.ingest import check
from crm_helpers.ingest.ledger import newest_loads, read_raw
from crm_helpers.ingest.quiet import quiet_dlt
from crm_helpers.ingest.readers import ROW
from crm_helpers.lake import connect

ITEMS = {"records": "data.items"}
PAGED = ITEMS | {"paging": {"type": "page"}}
BEARER = {"type": "bearer", "token_env": "SHOP_TOKEN"}
OAUTH2 = {"type": "oauth2", "client_id_env": "SHOP_ID", "client_secret_env": "SHOP_SECRET"}


@pytest.fixture
def api():
    with small_api() as server:
        yield server


@pytest.fixture(autouse=True)
def no_patience(tmp_path, monkeypatch):
    with quiet_dlt(tmp_path):
        from crm_helpers.ingest import rest_client
    monkeypatch.setattr(rest_client, "BACKOFF", 0.01)
    monkeypatch.setattr(rest_client, "LONGEST_WAIT", 2)
    return rest_client


def load(shop, api, **source):
    shop.add("orders", kind="rest", url=f"{api.url}/orders", **source)
    shop.ingest()
    return rows(shop)


def rows(shop):
    connection = connect()
    found = read_raw(connection, newest_loads(shop.folder)["orders"]).drop("_dlt_load_id").order_by(ROW)
    found = found.to_pyarrow().to_pylist()
    connection.disconnect()
    return found


def fault(shop, api, **source):
    with pytest.raises(InputError) as raised:
        load(shop, api, **source)
    message = str(raised.value)
    assert "orders" in message
    assert not any(secret in message for secret in ("geheim", "127.0.0.1", "张"))
    assert "\n" not in message
    assert newest_loads(shop.folder) == {}  # of no source: all or nothing
    assert list((shop.folder.data / ".ingest").glob("work-*")) == []
    return message


def first(times, answer):
    """A fault of the first requests."""
    left = iter(range(times))
    return lambda handler: next(left, None) is not None and (answer(handler), True)[1]


def from_page(number, answer):
    return lambda handler: int(handler.query["page"]) >= number and (answer(handler), True)[1]


@pytest.mark.parametrize(
    ("paging", "source"),
    [
        ("none", {}),
        ("page", PAGED),
        ("page", ITEMS | {"paging": {"type": "page", "total": "pages", "size_param": "limit", "size": 2}}),
        ("offset", ITEMS | {"paging": {"type": "offset", "size": 2}}),
        ("offset", ITEMS | {"paging": {"type": "offset", "size": 7, "total": "total"}}),
        ("cursor", ITEMS | {"paging": {"type": "cursor"}}),
        ("link", {"paging": {"type": "link"}}),
        ("next_url", ITEMS | {"paging": {"type": "next_url", "path": "links.next"}}),
    ],
)
def test_every_record_of_every_page_comes_once(shop, api, paging, source):
    api.paging = paging
    found = load(shop, api, **source)
    assert [row["id"] for row in found] == [f"{n:03}" for n in range(1, 8)]
    assert [row["name"] for row in found] == [f"张{n}" for n in range(1, 8)]
    assert [row[ROW] for row in found] == list(range(1, 8))


def test_values_come_as_their_exact_text(shop, api):
    body = (
        '[{"id":"007","n":12345678901234567890123,"paid":1.10,"ok":true,"day":"2024-01-05"},'
        '{"id":"8","gone":null,"tags":["张",{"n":0.10,"x":false}],"half":"a\\ud83d"}]'
    )
    api.faults = [lambda handler: (handler.answer(body.encode()), True)[1]]
    found = load(shop, api)
    assert found[0] == {
        "id": "007", "n": "12345678901234567890123", "paid": "1.10", "ok": "true", "day": "2024-01-05",
        "gone": None, "tags": None, "half": None, ROW: 1,
    }  # fmt: skip
    assert found[1]["tags"] == '["张",{"n":0.10,"x":false}]'
    assert found[1]["half"] == "a\ufffd"


@pytest.mark.parametrize(
    ("auth", "login"),
    [
        (BEARER, "Bearer geheim"),
        ({"type": "api_key", "key_env": "SHOP_TOKEN", "name": "Authorization"}, "geheim"),
        ({"type": "basic", "user_env": "SHOP_ID", "password_env": "SHOP_TOKEN"}, "Basic bWU6Z2VoZWlt"),
    ],
)
def test_each_login_is_sent(shop, api, monkeypatch, auth, login):
    monkeypatch.setenv("SHOP_TOKEN", "geheim\n")
    monkeypatch.setenv("SHOP_ID", "me")
    api.login = login
    assert len(load(shop, api, auth=auth, **PAGED)) == 7


def test_a_key_may_stand_in_the_address(shop, api, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "geheim")
    auth = {"type": "api_key", "key_env": "SHOP_TOKEN", "name": "key", "location": "query"}
    load(shop, api, auth=auth, **PAGED)
    assert [query["key"] for query in api.asked] == ["geheim"] * 4


@pytest.mark.parametrize("send", ["body", "basic"])
def test_a_token_is_fetched_and_renewed_when_it_expires(shop, api, monkeypatch, send):
    monkeypatch.setenv("SHOP_ID", "me")
    monkeypatch.setenv("SHOP_SECRET", "geheim")
    api.login = "nobody yet"
    withdrawn = iter([False, False, True])

    def withdraw(handler):
        if next(withdrawn, False):
            api.login = "nobody"
        return False

    api.faults = [withdraw]
    auth = OAUTH2 | {"token_url": f"{api.url}/token", "send": send}
    assert len(load(shop, api, auth=auth, **PAGED)) == 7
    assert api.tokens == 2


def test_a_token_past_its_time_is_not_even_tried(shop, api, monkeypatch):
    monkeypatch.setenv("SHOP_ID", "me")
    monkeypatch.setenv("SHOP_SECRET", "geheim")
    api.login, api.expires_in = "nobody yet", 0
    load(shop, api, auth=OAUTH2 | {"token_url": f"{api.url}/token"}, **PAGED)
    assert api.tokens == 4  # one a page, and no page asked for twice
    assert len(api.asked) == 4


def test_a_busy_server_is_waited_for_as_long_as_it_asks(shop, api):
    api.faults = [first(1, lambda handler: handler.answer({}, status=429, Retry_After="1"))]
    started = time.monotonic()
    assert len(load(shop, api, **PAGED)) == 7
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_fault_is_tried_again(shop, api, status):
    api.faults = [first(2, lambda handler: handler.answer({}, status=status))]
    assert len(load(shop, api, **PAGED)) == 7


def cut(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"data": {"items": [{"id": "geheim"')


def test_an_answer_cut_once_is_asked_for_again(shop, api):
    api.faults = [first(1, cut)]
    assert [row["id"] for row in load(shop, api, **PAGED)] == [f"{n:03}" for n in range(1, 8)]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (cut, "sources.orders: the API breaks off in the middle of an answer"),
        (lambda handler: handler.answer({}, status=500), "is not ready (500)"),
        (lambda handler: handler.answer({}, status=429, Retry_After="3600"), "is not ready (429)"),
        (lambda handler: handler.answer({}, status=404), "sources.orders.url: the API knows no such address"),
        (lambda handler: handler.answer({}, status=302, Location="http://127.0.0.2/"), "has moved (302)"),
        (lambda handler: handler.answer({}, status=401), "the API wants a login (401); declare auth"),
        (lambda handler: handler.answer(b"<html>geheim"), "else than good JSON"),
        (lambda handler: handler.answer(b'{"data": {"items": [{"id": NaN}]}}'), "else than good JSON"),
        (lambda handler: handler.answer(b'{"data": {"items": [{"a": 1, "a": 2}]}}'), "else than good JSON"),
        (lambda handler: handler.answer({"error": "geheim"}), 'holds no "data.items"; known: error'),
        (lambda handler: handler.answer({"data": {"items": ["geheim"]}}), "record 7 is no object"),
    ],
)
def test_a_download_that_dies_half_way_leaves_nothing(shop, api, answer, said):
    api.faults = [from_page(3, answer)]
    assert said in fault(shop, api, **PAGED)


def test_a_server_that_asks_for_more_patience_than_there_is_is_not_asked_again(shop, api):
    api.faults = [lambda handler: (handler.answer({}, status=503, Retry_After="3600"), True)[1]]
    fault(shop, api, **PAGED)
    assert len(api.asked) == 1


def test_a_wrong_token_names_the_source_and_the_variable(shop, api, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "geheim")
    api.login = "Bearer other"
    message = fault(shop, api, auth=BEARER, **PAGED)
    assert message == (
        "sources.orders.auth: the API refuses the login (401); look at the environment variable SHOP_TOKEN"
    )


def test_a_token_refused_after_two_pages_leaves_nothing(shop, api, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "geheim")
    api.faults = [from_page(3, lambda handler: handler.answer({}, status=401))]
    assert "SHOP_TOKEN" in fault(shop, api, auth=BEARER, **PAGED)


def test_a_wrong_client_secret_names_both_variables(shop, api, monkeypatch):
    monkeypatch.setenv("SHOP_ID", "me")
    monkeypatch.setenv("SHOP_SECRET", "geheim?")
    message = fault(shop, api, auth=OAUTH2 | {"token_url": f"{api.url}/token"})
    assert "token_url refuses the login (401); look at the environment variables SHOP_ID and SHOP" in message


@pytest.mark.parametrize(("value", "said"), [("", "set the environment"), ("geheim\n\nx", "no header can")])
def test_a_secret_that_is_not_there_or_not_one_line_is_named(shop, api, monkeypatch, value, said):
    monkeypatch.setenv("SHOP_TOKEN", value)
    message = fault(shop, api, auth=BEARER)
    assert message.startswith("sources.orders.auth.token_env: ")
    assert said in message


def test_no_secret_is_sent_to_another_host(shop, api, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "geheim")
    other = f'<http://localhost:{api.server_port}/orders>; rel="next"'
    api.faults = [lambda handler: (handler.answer([{"id": "1"}], Link=other), True)[1]]
    assert "another host" in fault(shop, api, auth=BEARER, paging={"type": "link"})
    assert len(api.asked) == 1


def test_a_server_that_pages_for_ever_is_found_out(shop, api):
    api.faults = [lambda handler: (handler.answer([{"id": "1"}]), True)[1]]
    assert "the same page again" in fault(shop, api, paging={"type": "page"})


def test_a_server_that_is_not_there(shop, api):
    shop.add("orders", kind="rest", url="http://127.0.0.1:9/orders")
    with pytest.raises(InputError) as raised:
        shop.ingest()
    assert str(raised.value) == (
        "sources.orders.url: the API cannot be reached (ConnectionError); look at url and network"
    )


def test_no_records_at_all_are_refused(shop, api):
    api.records = []
    assert "the API has no records" in fault(shop, api, **PAGED)


def test_a_lacking_total_is_named_without_the_answer(shop, api):
    paging = {"type": "offset", "total": "count"}
    api.paging = "offset"
    assert "sources.orders.paging: the answer lacks" in fault(shop, api, **ITEMS, paging=paging)


def test_an_unchanged_answer_is_not_loaded_again(shop, api):
    load(shop, api, **PAGED)
    assert list(shop.ingest().sources["state"]) == ["unchanged", "unchanged"]


def test_changes_only_are_asked_for_and_loaded(shop, api):
    changed = count(1)
    api.paging = "cursor"
    api.records = [{"id": f"{n}", "name": "a", "updated_at": f"2024-01-0{next(changed)}"} for n in range(3)]
    asked = {"cursor": "updated_at", "key": ["id"], "param": "since"}
    load(shop, api, **ITEMS, paging={"type": "cursor"}, incremental=asked)
    api.records[0] |= {"name": "b", "updated_at": "2024-01-05"}
    api.records.append({"id": "9", "name": "c", "updated_at": "2024-01-06"})
    shop.ingest()
    assert {row["id"]: row["name"] for row in rows(shop)} == {"0": "b", "1": "a", "2": "a", "9": "c"}
    assert [query.get("since") for query in api.asked] == [None, "2024-01-03"]
    sizes = [pq.read_metadata(file).num_rows for file in newest_loads(shop.folder)["orders"].files]
    assert sizes == [3, 3]  # the row at the cursor's last value comes again, and is one row
    assert list(shop.ingest().sources["state"]) == ["unchanged", "unchanged"]


def test_check_looks_at_one_page(shop, api):
    shop.add("orders", kind="rest", url=f"{api.url}/orders", **PAGED)
    frame = check(shop.folder, shop.profile).set_index("name")
    assert frame.loc["orders", "columns"] == 2
    assert frame.loc["orders", "rows"].endswith(" rows or more")
    assert len(api.asked) == 1
