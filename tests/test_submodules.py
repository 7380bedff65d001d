"""Does a package give its modules when they are named, and say so when there is none?"""

import subprocess
import sys

import pytest


def test_a_module_is_imported_when_it_is_first_named():
    code = (
        "import sys; from crm_helpers.analysis import churn;"
        "assert 'crm_helpers.analysis.churn.window' not in sys.modules;"
        "print(churn.window.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "crm_helpers.analysis.churn.window"


def test_a_name_no_module_has_is_an_attribute_error():
    from crm_helpers.analysis import churn

    with pytest.raises(AttributeError, match="no attribute 'nothing_like_it'"):
        churn.nothing_like_it  # noqa: B018
