"""Duplicate people: which customer records are one person."""

from crm_helpers.cleaning.people.people import PeopleResult, link_people, people_at
from crm_helpers.cleaning.people.settings import PeopleSettings
from crm_helpers.cleaning.people.survivorship import Golden, golden_records

__all__ = ["Golden", "PeopleResult", "PeopleSettings", "golden_records", "link_people", "people_at"]
