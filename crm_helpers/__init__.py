"""Shared code of the CRM analysis workbook: what the numbered notebooks stand on."""

__version__ = "0.1.0"
