"""No secret of the environment gets into a published file, however it is written there."""

from __future__ import annotations

import html
import json

import pytest

from crm_helpers.layout import company_folder
from crm_helpers.profile import load_profile
from crm_helpers.run.gate import find_secrets, secret_values


@pytest.fixture
def profile(shop):
    path = shop.root / "data" / "shop" / "profile.toml"
    path.write_text(
        path.read_text() + '[sources.crm]\nkind = "sql"\nurl_env = "SHOP_DATABASE"\ntable = "t"\n'
    )
    return load_profile(company_folder("shop", shop.root))


def test_variables_the_profile_names_are_secret_whatever_they_are_called(profile):
    found = secret_values(
        profile, {"SHOP_DATABASE": "mysql://reader:pa%24%24word@db/crm", "HOME": "/srv/ann/x"}
    )
    assert set(found) == {"mysql://reader:pa%24%24word@db/crm", "pa%24%24word", "pa$$word"}


@pytest.mark.parametrize(
    "name", ["DB_PASSWORD", "MAIL_TOKEN", "AWS_SECRET_ACCESS_KEY", "STRIPE_API_KEY", "SMTP_PWD"]
)
def test_variables_that_sound_secret_are(profile, name):
    assert secret_values(profile, {name: "hunter22"}) == {"hunter22": name}


@pytest.mark.parametrize("name", ["HOME", "KEYBOARD", "TOKENIZERS_PARALLELISM", "PASSAGE"])
def test_other_variables_are_not(profile, name):
    assert secret_values(profile, {name: "hunter22"}) == {}


def test_a_value_too_short_to_mean_anything_is_passed_over(profile):
    assert secret_values(profile, {"API_TOKEN": "true"}) == {}


@pytest.mark.parametrize("write", [str, html.escape, json.dumps])
def test_a_secret_is_found_as_text_json_and_html_write_it(tmp_path, write):
    secret = 'a<b>"c&d\u00e9'
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "x.csv").write_text(f"1,{write(secret)}", encoding="utf-8")
    (tmp_path / "y.html").write_text("nothing", encoding="utf-8")
    assert find_secrets(tmp_path, {secret: "DB_PASSWORD"}) == [(tmp_path / "tables" / "x.csv", "DB_PASSWORD")]
