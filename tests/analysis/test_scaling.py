from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from crm_helpers.analysis.segments.scaling import Scaler, fit_scaler
from crm_helpers.errors import InputError

SKLEARN = {"min-max": MinMaxScaler, "z-score": StandardScaler}
COLUMNS = ["orders", "spend", "constant", "empty"]


@pytest.fixture
def frame():
    draws = np.random.default_rng(3)
    return pd.DataFrame({
        "orders": draws.poisson(3, 500),
        "spend": np.where(draws.random(500) < 0.1, np.nan, draws.lognormal(4, 2, 500)),
        "constant": 7.1,
        "empty": np.nan,
        "name": "x",
    })  # fmt: skip


@pytest.mark.parametrize("kind", SKLEARN)
@pytest.mark.filterwarnings("ignore:All-NaN slice:RuntimeWarning")
def test_frames_are_scaled_as_scikit_learn_does(frame, kind):
    ours = fit_scaler(frame, COLUMNS, kind).apply(frame)
    known = COLUMNS[:3]  # of an empty column scikit-learn learns nothing
    theirs = SKLEARN[kind]().fit_transform(frame[known])
    np.testing.assert_allclose(ours[known].to_numpy(), theirs, rtol=1e-12, atol=1e-12)
    assert ours["empty"].isna().all()
    assert list(ours["name"]) == list(frame["name"])


@pytest.mark.parametrize("kind", SKLEARN)
def test_the_engine_learns_and_scales_the_same(frame, kind):
    table = ibis.memtable(frame[COLUMNS[:3]])
    there, here = fit_scaler(table, COLUMNS[:3], kind), fit_scaler(frame, COLUMNS[:3], kind)
    np.testing.assert_allclose([there.center, there.scale], [here.center, here.scale], rtol=1e-12)
    np.testing.assert_allclose(
        there.apply(table).to_pandas().to_numpy(float),
        here.apply(frame)[COLUMNS[:3]].to_numpy(),
        rtol=1e-12,
        atol=1e-12,
    )


def test_what_was_learnt_is_read_back_to_the_last_digit(frame):
    learnt = fit_scaler(frame, COLUMNS, "z-score")
    assert Scaler.from_json(learnt.to_json()) == learnt


def test_new_rows_are_measured_by_the_old_scale():
    learnt = fit_scaler(pd.DataFrame({"x": [0.0, 10.0]}), ["x"], "min-max")
    assert learnt.apply(pd.DataFrame({"x": [5.0, 20.0]}))["x"].tolist() == [0.5, 2.0]


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        '{"kind": "z-score", "columns": []}',
        '{"kind": "rank", "columns": [{"name": "x", "center": 0, "scale": 1}]}',
        '{"kind": "z-score", "columns": [{"name": "x", "center": 0, "scale": 0}]}',
    ],
)
def test_what_is_no_scaler_is_refused(text):
    with pytest.raises(InputError, match="scaler"):
        Scaler.from_json(text)
