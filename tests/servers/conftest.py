import pytest
from small_company import SmallCompany


@pytest.fixture
def shop(tmp_path):
    return SmallCompany(tmp_path)
