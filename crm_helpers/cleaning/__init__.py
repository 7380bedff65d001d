"""Make the canonical tables clean: rules, duplicates, traps, and an account of every row."""

from crm_helpers.cleaning.clean import CleanResult, clean

__all__ = ["CleanResult", "clean"]
