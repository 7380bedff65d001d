"""Make the simulated company: source files as real exports have them, and the truth beside them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from crm_helpers.demo.channels import channel_table, sales_plan, service_plan
from crm_helpers.demo.comments import read_phrases
from crm_helpers.demo.directory import customer_file, relation_table
from crm_helpers.demo.files import export, write_database, write_parquet, write_workbook
from crm_helpers.demo.months import Company, communications_of, found, transactions_of
from crm_helpers.demo.outreach import campaign_table, contact_table
from crm_helpers.demo.plan import MONTHS
from crm_helpers.demo.service import contact_query
from crm_helpers.demo.transactions import transaction_query
from crm_helpers.demo.truth import curve_truth, dirt_truth, effect_truth, row_truth, write_people_truth
from crm_helpers.errors import InputError

__all__ = ["make"]

_SMALLEST = 50  # people: fewer leave channels and campaigns without anybody


def make(folder: Path, *, customers: int = 20_000, seed: int = 1) -> None:
    """Write the simulated company into `folder/source/` and what is planted into `folder/truth/`.

    Equal arguments give equal bytes. Older folders of these names are replaced once the new ones
    are whole.

    Parameters
    ----------
    folder
        The company's folder, `data/demo` by custom.
    customers
        People; 3 % of them have a second customer id.
    seed
        Another seed, another company.

    Raises
    ------
    InputError
        When there are fewer than 50 customers.
    """
    if customers < _SMALLEST:
        raise InputError(f"customers: a company needs at least {_SMALLEST}, not {customers}")
    staging = folder / ".making"
    shutil.rmtree(staging, ignore_errors=True)
    for name in ("source", "truth"):
        (staging / name).mkdir(parents=True)
    _write(staging, found(customers, seed))
    for name in ("source", "truth"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (staging / name).rename(folder / name)
    staging.rmdir()


def _write(folder: Path, company: Company) -> None:
    source, truth = folder / "source", folder / "truth"
    _write_customers(source, company)
    _write_communications(source, truth, company)
    _write_transactions(source, company)
    _write_workbook(source, company)
    _write_database(source, company)
    _write_truth(truth, company)


def _write_customers(source: Path, company: Company) -> None:
    kept, products = source / "customers.parquet", company.catalogue.table()
    people, records = company.people, company.records
    write_parquet(kept, customer_file(people, records, seed=company.seed, ledger=company.ledger))
    target, query = source / "customers.csv", "SELECT * FROM rows"
    company.rows["customers"] = export(kept, target, query=query, form="csv", encoding="gb18030")
    write_parquet(source / "products.parquet", products)
    company.rows["products"] = products.num_rows


def _write_communications(source: Path, truth: Path, company: Company) -> None:
    phrases, kept = read_phrases(), source / "communications.parquet"
    months = (communications_of(company, month, phrases=phrases) for month in range(MONTHS))
    _keep(months, (kept, truth / "topics.parquet"))
    target = source / "communications.jsonl"
    company.rows["communications"] = export(kept, target, query=contact_query(), form="json")


def _write_transactions(source: Path, company: Company) -> None:
    kept, query = source / "transactions.parquet", transaction_query(company.records.width)
    _keep(((transactions_of(company, month),) for month in range(MONTHS)), (kept,))
    company.rows["transactions"] = export(kept, source / "transactions.csv", query=query, form="csv")


def _keep(pieces: Iterable[tuple[pa.Table, ...]], paths: tuple[Path, ...]) -> None:
    """Write each piece's tables into the files of the same place, so that only one is in memory."""
    writers: list[pq.ParquetWriter] = []
    for piece in pieces:
        if not writers:
            both = zip(paths, piece, strict=True)
            writers = [pq.ParquetWriter(path, table.schema, compression="zstd") for path, table in both]
        for writer, table in zip(writers, piece, strict=True):
            writer.write_table(table)
    for writer in writers:
        writer.close()


def _write_workbook(source: Path, company: Company) -> None:
    campaigns = campaign_table(company.campaigns, company.seed)
    sales = sales_plan(company.revenue, company.sales, seed=company.seed)
    service = service_plan(len(company.people))
    write_workbook(source / "plans.xlsx", {"活动": campaigns, "销售计划": sales, "服务计划": service})
    company.rows.update(
        campaigns=campaigns.num_rows, sales_plans=sales.num_rows, service_plans=service.num_rows
    )


def _write_database(source: Path, company: Company) -> None:
    people, records, seed = company.people, company.records, company.seed
    channels = channel_table(people, company.curves, seed=seed, ledger=company.ledger)
    relations = relation_table(people, records, seed=seed)
    tables = {
        "campaign_contacts": (contact_table(campaign, records) for campaign in company.campaigns),
        "channel_month": [channels],
        "relations": [relations],
    }
    write_database(source / "crm.sqlite", tables)
    members = sum(len(campaign.person) for campaign in company.campaigns)
    company.rows.update(channels=channels.num_rows, relations=relations.num_rows, campaign_contacts=members)


def _write_truth(truth: Path, company: Company) -> None:
    write_people_truth(truth, company.people, records=company.records)
    totals = np.maximum(company.curves.orders.sum(axis=0), 1)
    tables = {
        "curves": curve_truth(company.curves, company.channel_value / totals),
        "effects": effect_truth(company.campaigns),
        "campaign_orders": pa.concat_tables(company.credited),
        "dirt": dirt_truth(company.ledger),
        "rows": row_truth(company.rows, company.ledger),
    }
    for name, table in tables.items():
        write_parquet(truth / f"{name}.parquet", table)
