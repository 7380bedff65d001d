"""The simulated company: made from one seed, with what is planted kept as truth beside it."""

from crm_helpers.demo.company import make

__all__ = ["make"]
