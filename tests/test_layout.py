"""Places of a company, and names that would leave them."""

from __future__ import annotations

import pytest

from crm_helpers.errors import InputError
from crm_helpers.layout import company_folder, company_names, notebooks_folder, project_root


@pytest.fixture
def root(tmp_path, monkeypatch):
    for company in ("beta", "alpha"):
        (tmp_path / "data" / company).mkdir(parents=True)
        (tmp_path / "data" / company / "profile.toml").touch()
    (tmp_path / "data" / "without").mkdir()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.delenv("CRM_HOME", raising=False)
    return tmp_path.resolve()


def test_the_root_is_found_from_any_folder_below_it(root, monkeypatch):
    monkeypatch.chdir(root / "data" / "alpha")
    assert project_root() == root


def test_a_stated_root_wins(root, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    monkeypatch.setenv("CRM_HOME", str(root))
    assert project_root() == root


def test_a_stated_root_that_is_none_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("CRM_HOME", str(tmp_path))
    with pytest.raises(InputError, match="no workbook at CRM_HOME"):
        project_root()


def test_places_of_a_company(root):
    folder = company_folder("alpha", root)
    places = (folder.profile, folder.raw, folder.clean, folder.reports, notebooks_folder(root))
    assert [path.relative_to(root).as_posix() for path in places] == [
        "data/alpha/profile.toml", "data/alpha/raw", "data/alpha/clean", "reports/alpha", "notebooks",
    ]  # fmt: skip


def test_companies_are_folders_with_a_profile(root):
    assert company_names(root) == ["alpha", "beta"]


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../alpha", "alpha/..", "/etc", "Alpha", "a b", "-a", "a" * 64, "ä"]
)
def test_a_name_that_is_no_plain_folder_name_is_refused(root, name):
    with pytest.raises(InputError, match="use lower-case letters"):
        company_folder(name, root, must_exist=False)


def test_an_unknown_company_is_refused_with_the_near_one(root):
    with pytest.raises(InputError) as error:
        company_folder("alpa", root)
    assert str(error.value) == 'no company "alpa" in data/: did you mean "alpha"? (crm new alpa makes it)'


def test_a_company_to_be_made_need_not_exist(root):
    assert company_folder("gamma", root, must_exist=False).data == root / "data" / "gamma"
