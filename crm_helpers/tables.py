"""The vocabulary: every canonical table and column, its type, unit, meaning and personal-data class.

The only place that knows a column. Mapping, conversion, quality rules, the data dictionary, the
simulated company, masking and write-back read it from here. Tables that pages publish are in
`crm_helpers.results`, made of the same parts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["DATED", "TABLES", "Column", "Form", "PersonalData", "Table", "Type", "Unit"]

Type = Literal["text", "integer", "number", "money", "boolean", "date", "datetime"]
"""`money` is decimal(18, 4) in the company's currency; identifiers are `text`, always."""

Unit = Literal[
    "", "count", "money", "share", "days", "hours", "months", "score", "years", "quantity", "number"
]
"""How a number is written: `share` is 0 to 1 and shown in per cent."""

Form = Literal["", "phone", "e-mail", "person name"]
"""How a text is written when it is clean: phone numbers as E.164, e-mail and names without look-alikes."""

PersonalData = Literal["none", "quasi-identifier", "identifier", "free text"]


@dataclass(frozen=True)
class Column:
    """One column: what it holds and how it is treated."""

    name: str
    type: Type
    meaning: str
    unit: Unit = ""
    required: bool = False
    personal: PersonalData = "none"
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    form: Form = ""
    past: bool = False  # a date that cannot lie after the company's last transaction or contact
    when: tuple[str, str] = ("", "")  # column and value without which none is expected: empty is right then

    @property
    def label(self) -> str:
        """The column's name as people read it."""
        return self.name.replace("_", " ").capitalize()


@dataclass(frozen=True)
class Table:
    """One table: its grain, columns, key and what its absence means for a reader."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    references: dict[str, tuple[str, str]] = field(default_factory=dict)
    absence: str = ""

    def column(self, name: str) -> Column:
        """Return the column of that name, or raise `KeyError`."""
        return {column.name: column for column in self.columns}[name]

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Names of the columns without which a row means nothing."""
        return tuple(column.name for column in self.columns if column.required)


def _identifier(
    name: str, meaning: str, *, required: bool = False, personal: PersonalData = "none"
) -> Column:
    return Column(name, "text", meaning, required=required, personal=personal)


_CUSTOMER = _identifier("customer_id", "the customer", required=True, personal="identifier")
_CHANNELS = "the channel: phone, e-mail, chat, SMS, social, shop or the company's own words"


def _score(name: str, meaning: str) -> Column:
    return Column(name, "number", meaning, "score", minimum=1, maximum=5)


_TABLES = (
    Table(
        "customers",
        "one row a customer (customer_info)",
        (
            _CUSTOMER,
            Column("name", "text", "full name", personal="identifier", form="person name"),
            Column("gender", "text", "gender as recorded", personal="quasi-identifier"),
            Column("birth_date", "date", "date of birth", personal="quasi-identifier", past=True),
            Column("age_group", "text", "age band as recorded", personal="quasi-identifier"),
            Column("income_group", "text", "income band as recorded", personal="quasi-identifier"),
            Column("household_size", "text", "people in the household", personal="quasi-identifier"),
            Column("phone", "text", "telephone number", personal="identifier", form="phone"),
            Column("email", "text", "e-mail address", personal="identifier", form="e-mail"),
            Column(
                "document_id",
                "text",
                "number of the customer's own identity document, tax number or membership card",
                personal="identifier",
            ),
            Column("address", "text", "postal address", personal="identifier"),
            Column("city", "text", "city", personal="quasi-identifier"),
            Column("region", "text", "region or province", personal="quasi-identifier"),
            Column("joined_on", "date", "first day as a customer"),
            Column("source_channel", "text", "channel that won the customer"),
            Column("consent", "boolean", "may be sent marketing"),
        ),
        key=("customer_id",),
        absence="customers are derived from transactions and contacts: nothing else is known of them",
    ),
    Table(
        "transactions",
        "one row an order line (transaction_record); negative amounts are returns",
        (
            _identifier("order_id", "the order, basket or invoice", required=True),
            _identifier("line_id", "the line, where the source names it"),
            _CUSTOMER,
            Column("ordered_at", "datetime", "time of the order in the company's zone", required=True),
            _identifier("product_id", "the product"),
            Column("quantity", "number", "units sold; negative when returned", "quantity"),
            Column("amount", "money", "money received for the line, after discounts", "money", required=True),
            Column("discount", "money", "money taken off the line", "money"),
            Column("cost", "money", "cost of the goods on the line", "money"),
            Column("channel", "text", _CHANNELS),
            _identifier("store_id", "the shop"),
        ),
        key=("line_id",),
        references={"customer_id": ("customers", "customer_id"), "product_id": ("products", "product_id")},
        absence="nothing can be said about what customers buy",
    ),
    Table(
        "communications",
        "one row a contact between a customer and the company (communication_history)",
        (
            _identifier("communication_id", "the contact", required=True),
            _CUSTOMER,
            Column("occurred_at", "datetime", "time of the contact in the company's zone", required=True),
            Column("channel", "text", _CHANNELS, required=True),
            Column("kind", "text", "consultation, complaint or another kind"),
            Column("comment", "text", "what the customer said", personal="free text"),
            _score("satisfaction", "the customer's score of the contact"),
            Column("resolved_at", "datetime", "time the matter was closed"),
        ),
        key=("communication_id",),
        references={"customer_id": ("customers", "customer_id")},
        absence="satisfaction, complaints and service cannot be known, only what customers bought",
    ),
    Table(
        "channels",
        "one row a channel and month (channel_data)",
        (
            Column("channel", "text", _CHANNELS, required=True),
            Column("period", "date", "first day of the month", required=True),
            Column("visits", "integer", "visits through the channel", "count", minimum=0),
            Column("orders", "integer", "orders through the channel", "count", minimum=0),
            Column("cost", "money", "money spent on the channel", "money", minimum=0),
            Column("customers_at_start", "integer", "active customers at its start", "count", minimum=0),
            Column("new_customers", "integer", "customers won in the month", "count", minimum=0),
            Column("lost_customers", "integer", "customers lost in the month", "count", minimum=0),
            _score("product_satisfaction", "mean score of the product"),
            _score("service_satisfaction", "mean score of the service"),
            _score("delivery_satisfaction", "mean score of the delivery"),
        ),
        key=("channel", "period"),
        absence="what a channel costs is not known, so no budget can be divided and no return computed",
    ),
    Table(
        "campaigns",
        "one row a campaign: its plan and what came of it",
        (
            _identifier("campaign_id", "the campaign", required=True),
            Column("name", "text", "name of the campaign"),
            Column("channel", "text", _CHANNELS),
            Column("goal", "text", "what it is to achieve"),
            Column("starts_on", "date", "first day", required=True),
            Column("ends_on", "date", "last day", required=True),
            Column("design", "text", "how customers were chosen", choices=("randomised", "targeted")),
            Column(
                "holdout_share",
                "number",
                "planned share of the chosen customers held out",
                "share",
                minimum=0,
                maximum=1,
                when=("design", "randomised"),
            ),
            Column("budget", "money", "planned cost", "money", minimum=0),
            Column("cost", "money", "actual cost", "money", minimum=0),
            Column("planned_reach", "integer", "customers to be contacted", "count", minimum=0),
            Column("planned_responses", "integer", "responses expected", "count", minimum=0),
            Column("planned_revenue", "money", "revenue expected", "money"),
        ),
        key=("campaign_id",),
        absence="no campaign was recorded, so none can be evaluated",
    ),
    Table(
        "campaign_contacts",
        "one row a campaign and customer, holdouts included",
        (
            _identifier("campaign_id", "the campaign", required=True),
            _CUSTOMER,
            Column(
                "contacted_at",
                "datetime",
                "time of the contact; empty for a holdout",
                when=("arm", "treated"),
            ),
            Column("arm", "text", "treated, or held out at random", choices=("treated", "holdout")),
            Column("offer", "text", "which of several offers or wordings a contacted customer got"),
            Column("responded", "boolean", "answered or redeemed"),
            Column("responded_at", "datetime", "time of the first answer", when=("responded", "true")),
        ),
        key=("campaign_id", "customer_id"),
        references={"campaign_id": ("campaigns", "campaign_id"), "customer_id": ("customers", "customer_id")},
        absence="who was contacted is not known, so no campaign can be evaluated",
    ),
    Table(
        "products",
        "one row a product",
        (
            _identifier("product_id", "the product", required=True),
            Column("name", "text", "name of the product"),
            Column("category", "text", "category"),
            Column("department", "text", "department"),
            Column("brand", "text", "brand"),
            Column("unit_price", "money", "list price of a unit", "money", minimum=0),
            Column("unit_cost", "money", "cost of a unit", "money", minimum=0),
        ),
        key=("product_id",),
        absence="products are known by number only",
    ),
    Table(
        "sales_plans",
        "one row a month, region and category: what was to be sold",
        (
            Column("period", "date", "first day of the month", required=True),
            Column("region", "text", "region or province"),
            Column("category", "text", "product category"),
            Column("owner", "text", "who answers for it"),
            Column("planned_revenue", "money", "revenue planned", "money", required=True, minimum=0),
            Column("planned_orders", "integer", "orders planned", "count", minimum=0),
        ),
        key=("period", "region", "category"),
        absence="no sales plan was given, so sales are shown without one",
    ),
    Table(
        "service_plans",
        "one row a month and channel: the service promised",
        (
            Column("period", "date", "first day of the month", required=True),
            Column("channel", "text", _CHANNELS, required=True),
            Column("planned_contacts", "integer", "contacts planned for", "count", minimum=0),
            Column("planned_hours", "number", "hours to close a matter", "hours", minimum=0),
            _score("planned_satisfaction", "mean score promised"),
        ),
        key=("period", "channel"),
        absence="no service plan was given, so service is shown without one",
    ),
    Table(
        "relations",
        "one row a relation between two customers",
        (
            _CUSTOMER,
            _identifier("related_id", "the other customer", required=True, personal="identifier"),
            Column("relation", "text", "household, company or another relation", required=True),
        ),
        key=("customer_id", "related_id", "relation"),
        references={"customer_id": ("customers", "customer_id"), "related_id": ("customers", "customer_id")},
        absence="who belongs to whom is not known",
    ),
)

DATED = {"transactions": "ordered_at", "communications": "occurred_at"}
"""Tables that a company lives by, one of them at least, and when their rows happened.

The last row of the first table a company has ends its time; customers are derived from all of them."""

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}
"""Canonical tables by name."""
