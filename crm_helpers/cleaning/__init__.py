"""Make the canonical tables clean: rules, duplicates, traps, and an account of every row."""

from crm_helpers.cleaning.clean import clean
from crm_helpers.cleaning.result import CleanResult

__all__ = ["CleanResult", "clean"]
