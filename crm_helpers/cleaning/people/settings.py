"""What decides whether two customer records are one person, with the values that serve most companies."""

from __future__ import annotations

from dataclasses import dataclass, field

from crm_helpers.errors import InputError
from crm_helpers.profile import Survivorship

__all__ = ["LOWEST", "RULES", "PeopleSettings"]

LOWEST = 0.5  # pairs less likely than this are not kept: the threshold curve starts here

RULES: dict[str, Survivorship] = {
    "name": "most frequent",
    "gender": "most frequent",
    "birth_date": "most frequent",
    "document_id": "most frequent",
    "address": "longest",
    "joined_on": "first",
    "source_channel": "first",
}
"""How a person's value is chosen from the records, by column; every other column: the most recent."""


@dataclass(frozen=True)
class PeopleSettings:
    """Thresholds, caps and rules of one company.

    Parameters
    ----------
    automatic
        Probability from which a pair is merged without being asked.
    review
        Probability from which a pair is put on the review list.
    largest_block
        Records a blocking value may have; a value with more is left out of its rule, and counted.
    most_pairs
        Candidate pairs a customer, over all blocking rules; a rule beyond it is left out, and said.
    most_holders
        Records that may share a telephone, e-mail or address as evidence of one person.
    largest_person
        Records a person may have before chains of pairs are no longer believed.
    country
        Country of telephone numbers written without a country code, as `CN`; empty for none.
    identifiers
        Further columns that name a person, such as a membership or passport number.
    survivorship
        Rule by column where it is not the one of `RULES`.
    seed, random_pairs
        Seed and number of the random pairs from which chance agreement is counted.
    learn_from
        Certain pairs there must be before agreement within people is learnt from the data.
    memory, threads
        Limits of the engine; when no threads are given, one for few customers and all cores for many.
    """

    automatic: float = 0.99
    review: float = 0.8
    largest_block: int = 100
    most_pairs: int = 10
    most_holders: int = 20
    largest_person: int = 8
    country: str = ""
    identifiers: tuple[str, ...] = ()
    survivorship: dict[str, Survivorship] = field(default_factory=dict)
    seed: int = 1
    random_pairs: int = 200_000
    learn_from: int = 50
    memory: str = "2GB"
    threads: int | None = None

    def __post_init__(self) -> None:
        if not LOWEST <= self.review <= self.automatic < 1:
            raise InputError(
                f"people: review ({self.review}) and automatic ({self.automatic}) must rise from {LOWEST}"
                " to below 1"
            )

    def rule(self, column: str) -> Survivorship:
        """Return the survivorship rule of a column."""
        return (RULES | self.survivorship).get(column, "most recent")
