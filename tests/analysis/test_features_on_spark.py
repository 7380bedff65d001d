"""Customer features on Spark beside DuckDB and a count by hand; only where pyspark and Java are installed.

`make spark` makes an environment with them.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from crm_helpers import lake
from crm_helpers.analysis.segments import features, service_features

pytest.importorskip("pyspark", reason="Spark is not installed: requirements-spark.lock has it")
if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
    pytest.skip("Spark needs Java 17", allow_module_level=True)

from pyspark.sql import SparkSession

# what pyspark and Arrow say of their own age, and the sockets pyspark leaves to its end, are not ours to mend
_NOT_OURS = (
    "DeprecationWarning",
    "FutureWarning",
    "ResourceWarning",
    "pytest.PytestUnraisableExceptionWarning",
)
pytestmark = [
    pytest.mark.filterwarnings("default", *(f"ignore::{name}" for name in _NOT_OURS)),
    pytest.mark.xdist_group("spark"),
]

AS_OF = date(2024, 7, 1)
NEEDED = ("customers", "transactions", "products", "communications", "campaign_contacts", "campaigns")
SETTINGS = {
    "spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": "2", "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1", "spark.driver.memory": "1g",
    "spark.ui.showConsoleProgress": "false",
}  # fmt: skip


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ibis.BaseBackend]:
    builder = SparkSession.builder.master("local[2]").config(map=SETTINGS)
    builder = builder.config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
    session = builder.getOrCreate()
    yield ibis.pyspark.connect(session)
    session.stop()


@pytest.fixture(scope="module")
def bought() -> pd.DataFrame:
    """Lines of few customers and orders: shared order numbers, returns, orders of several days, no name."""
    random = np.random.default_rng(11)
    size = 600
    seconds = random.integers(0, 500 * 86_400, size)
    return pd.DataFrame({
        "customer_id": pd.Series(random.integers(0, 40, size).astype(str)).where(random.random(size) > 0.02),
        "order_id": random.integers(0, 9, size).astype(str),
        "ordered_at": pd.Timestamp("2023-03-01") + pd.to_timedelta(seconds, unit="s"),
        "amount": random.integers(-500, 700, size) / 100,
    })  # fmt: skip


@pytest.mark.parametrize("window", [0, 200])
def test_the_engines_agree_with_a_count_by_hand(
    spark: ibis.BaseBackend, bought: pd.DataFrame, tmp_path: Path, window: int
):
    paths = _written(bought, tmp_path)
    tables = [
        _computed(engine, *paths, window=window).set_index("customer_id")
        for engine in (lake.connect(), spark)
    ]
    expected = _by_hand(bought, window=window)
    for table in tables:
        found = table[table.index.notna()]
        assert set(found.index) == set(expected) | {"nobody"}
        for name, row in expected.items():
            assert found.loc[name, list(row)].tolist() == pytest.approx(list(row.values()), nan_ok=True)
    pd.testing.assert_frame_equal(*tables, check_dtype=False)


def test_every_feature_of_the_demo_is_the_same_on_both(spark: ibis.BaseBackend, tmp_path: Path):
    cleaned = pytest.importorskip("recovery.made", reason="tests/ is not on the path").cleaned
    version = lake.current_clean(cleaned(tmp_path, customers=400, seed=1))
    one, other = (_described(engine, version) for engine in (lake.connect(), spark))
    assert len(one) >= 300
    pd.testing.assert_frame_equal(one, other, check_dtype=False, rtol=1e-12)


def _written(bought: pd.DataFrame, folder: Path) -> tuple[Path, Path]:
    connection = lake.connect()
    lines = ibis.memtable(bought).mutate(amount=ibis._.amount.cast("decimal(18, 4)"))
    connection.to_parquet(lines.cast({"ordered_at": "timestamp(6)"}), folder / "lines.parquet")
    connection.to_parquet(ibis.memtable({"customer_id": ["0", "nobody"]}), folder / "people.parquet")
    return folder / "people.parquet", folder / "lines.parquet"


def _computed(engine: ibis.BaseBackend, people: Path, lines: Path, *, window: int) -> pd.DataFrame:
    table = features.customer_features(
        engine.read_parquet(people), engine.read_parquet(lines), as_of=AS_OF, window_days=window
    )
    return table.to_pandas().sort_values("customer_id", ignore_index=True)


def _described(engine: ibis.BaseBackend, version: lake.CleanVersion) -> pd.DataFrame:
    tables = {
        name: engine.read_parquet(version.path / f"{name}.parquet")
        for name in NEEDED
        if name in version.tables
    }
    assert set(tables) == set(NEEDED)
    table = features.customer_features(tables["customers"], tables["transactions"], as_of=version.as_of)
    known = features.with_attributes(table, tables["customers"], as_of=version.as_of)
    described = service_features.described(known, tables, as_of=version.as_of)
    return described.to_pandas().sort_values("customer_id", ignore_index=True)


def _by_hand(bought: pd.DataFrame, *, window: int) -> dict[str, dict[str, float]]:
    until = datetime.combine(AS_OF, datetime.min.time())
    since = until - timedelta(days=window) if window else datetime.min
    orders: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for name, order, at, amount in bought.itertuples(index=False):
        if since <= at < until and isinstance(name, str):
            orders[name][order].append((at.date(), Decimal(str(amount))))
    return {name: _person(list(baskets.values())) for name, baskets in orders.items()}


def _person(baskets: list[list[tuple[date, Decimal]]]) -> dict[str, float]:
    sums = [(max(day for day, _ in basket), sum(money for _, money in basket)) for basket in baskets]
    counted = sorted((day, money) for day, money in sums if money > 0)
    days, count = [day for day, _ in counted], len(counted)
    nothing = float("nan")
    return {
        "orders": count,
        "revenue": float(sum(money for _, money in sums)),
        "mean_order": float(sum(money for _, money in counted)) / count if count else nothing,
        "recency_days": (AS_OF - days[-1]).days if count else nothing,
        "tenure_days": (AS_OF - days[0]).days if count else nothing,
        "gap_days": (days[-1] - days[0]).days / (count - 1) if count > 1 else nothing,
    }
