"""Bring a company's sources into `raw/`, map them to the canonical columns and convert their types."""

from crm_helpers.ingest.checks import check
from crm_helpers.ingest.loads import IngestResult, ingest
from crm_helpers.ingest.trial import first_faults

__all__ = ["IngestResult", "check", "first_faults", "ingest"]
