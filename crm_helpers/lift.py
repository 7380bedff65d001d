"""Tests in which a channel's cost was changed on purpose, as a profile names them (`[[lift_tests]]`)."""

from __future__ import annotations

from datetime import date

from pydantic import Field, model_validator

from crm_helpers.strict import Strict

__all__ = ["LiftTest"]


class LiftTest(Strict):
    """A test in which a channel's cost was changed on purpose: what page 06 holds its curve to."""

    channel: str
    starts_on: date
    ends_on: date
    spend_change: float  # money more than before, in the whole test; below zero where less was spent
    orders: float  # orders more than there would have been, in the whole test
    standard_error: float = Field(gt=0)  # of these orders

    @model_validator(mode="after")
    def _said(self) -> LiftTest:
        if self.ends_on < self.starts_on:
            raise ValueError("ends_on is before starts_on")
        if self.spend_change == 0:
            raise ValueError("spend_change is 0: a test changes the cost")
        return self
