"""The tables that page 04 publishes: part of `results.py`, which is where they are read."""

from __future__ import annotations

from crm_helpers.tables import Column, Table, Type, Unit

__all__ = ["VALUE_RESULTS", "interval"]


def interval(name: str, type_: Type, meaning: str, unit: Unit) -> tuple[Column, Column, Column]:
    """List a column with the ends of its interval."""
    return (
        Column(name, type_, meaning, unit),
        Column(f"{name}_low", type_, f"{meaning}, lower end", unit),
        Column(f"{name}_high", type_, f"{meaning}, upper end", unit),
    )


VALUE_RESULTS: tuple[Table, ...] = (
    Table(
        "customer_values",
        "one row a customer who ordered: what is expected of him, and whether he is about to leave",
        (
            Column("customer_id", "text", "the customer", required=True, personal="identifier"),
            Column(
                "state",
                "text",
                "active, or silent for the days that count as lost",
                required=True,
                choices=("active", "silent"),
            ),
            Column("silent_days", "integer", "days since the last order", "days", required=True),
            Column("orders", "integer", "days with an order", "count", required=True),
            Column("revenue", "money", "money so far, net of returns", "money", required=True),
            Column("p_alive", "number", "probability of being still a customer", "share"),
            Column("order_value", "money", "money kept of an order", "money"),
            Column("orders_3m", "number", "orders expected in 3 months", "number"),
            Column("orders_6m", "number", "orders expected in 6 months", "number"),
            Column("orders_12m", "number", "orders expected in 12 months", "number"),
            Column("value_3m", "money", "money expected in 3 months, discounted", "money"),
            Column("value_6m", "money", "money expected in 6 months, discounted", "money"),
            Column("value_12m", "money", "money expected in 12 months, discounted", "money"),
            Column("value", "money", "money expected in 12 months by what proved better", "money"),
            Column("method", "text", "what that is: the model, or the simple rule"),
            Column("churn_probability", "number", "probability of no order in the days that count", "share"),
            Column("horizon_days", "integer", "the days that count as lost", "days", required=True),
            Column("next_order_days", "number", "days by which half of such customers order", "days"),
            Column("next_category", "text", "category the next order is most likely of"),
        ),
        key=("customer_id",),
    ),
    Table(
        "household_expected",
        "one row a household or company of whom somebody ordered: what is expected of its customers together",
        (
            Column("household_id", "text", "one of its customers", required=True, personal="identifier"),
            Column("kind", "text", "household or company", required=True),
            Column("customers", "integer", "customers of the group", "count", required=True),
            Column("buyers", "integer", "of these, customers who ordered", "count", required=True),
            Column("revenue", "money", "money so far, net of returns", "money", required=True),
            Column("orders_12m", "number", "orders expected in 12 months", "number"),
            Column("value", "money", "money expected in 12 months by what proved better", "money"),
            Column("share", "number", "share of what is expected of all customers", "share"),
        ),
        key=("household_id", "kind"),
    ),
    Table(
        "value_scores",
        "one row a way to predict: how near it came to the last days, which it had not seen",
        (
            Column("method", "text", "the way to predict", required=True),
            *interval("rank", "number", "Spearman's correlation of predicted and actual money", "number"),
            *interval("error", "money", "mean absolute error a customer", "money"),
            *interval("captured", "number", "share of later money from the tenth predicted highest", "share"),
            *interval("lift", "number", "money of the tenth predicted highest ÷ the average", "number"),
            Column("total", "number", "predicted ÷ actual money of all", "number"),
        ),
        key=("method",),
    ),
    Table(
        "buying_models",
        "one row a model of buying: how well it fits earlier days, and what it said of the last days",
        (
            Column("model", "text", "the model", required=True),
            Column("behind", "number", "log-likelihood below the best, on the same customers", "number"),
            Column("total", "number", "orders predicted ÷ orders that came", "number"),
            Column("rank", "number", "Spearman's correlation of predicted and actual orders", "number"),
            Column("deviance", "number", "distance from orders that came, a customer (Poisson)", "number"),
            Column("kept", "boolean", "used: BG/NBD where no other is surely nearer", required=True),
        ),
        key=("model",),
    ),
    Table(
        "value_deciles",
        "one row a tenth of customers by predicted money: predicted and actual",
        (
            Column("decile", "integer", "tenth, 1 is predicted highest", "count", required=True),
            Column("customers", "integer", "customers", "count", required=True),
            Column("predicted", "money", "money predicted a customer", "money", required=True),
            *interval("actual", "money", "money that came a customer", "money"),
            Column("share_of_revenue", "number", "share of all the money that came", "share"),
        ),
        key=("decile",),
    ),
    Table(
        "value_tracking",
        "one row a week: cumulated repeat orders, expected and actual",
        (
            Column("week", "date", "last day of the week", required=True),
            Column("period", "text", "fitted, or test", required=True, choices=("fitted", "test")),
            Column("actual", "number", "repeat orders so far", "number", required=True),
            Column("expected", "number", "repeat orders expected so far", "number", required=True),
        ),
        key=("week",),
    ),
    Table(
        "churn_models",
        "one row a model: how well it told who left, on days later than those it learned from",
        (
            Column("model", "text", "the model", required=True),
            *interval("auc", "number", "area under the curve", "number"),
            *interval("brier", "number", "mean squared error of the probabilities", "number"),
            *interval("behind", "number", "area below that of the best model", "number"),
            *interval("excess", "number", "squared error above the least one", "number"),
            Column("kept", "boolean", "the simplest that is not surely worse than the best", required=True),
            Column("calibration", "text", "how scores became probabilities: Platt's line, or isotonic steps"),
            Column("off", "number", "mean distance of predicted and actual share, over tenths", "share"),
        ),
        key=("model",),
    ),
    Table(
        "churn_calibration",
        "one row a model and tenth of customers by its probability: predicted and actual churn",
        (
            Column("model", "text", "the model", required=True),
            Column("tenth", "integer", "tenth, 1 is the lowest probability", "count", required=True),
            Column("customers", "integer", "customers", "count", required=True),
            Column("predicted", "number", "mean probability predicted", "share"),
            *interval("actual", "number", "share that left", "share"),
        ),
        key=("model", "tenth"),
    ),
    Table(
        "churn_lift",
        "one row a tenth of customers by risk: predicted and actual churn",
        (
            Column("decile", "integer", "tenth, 1 is the highest risk", "count", required=True),
            Column("customers", "integer", "customers", "count", required=True),
            Column("predicted", "number", "mean probability predicted", "share", required=True),
            *interval("actual", "number", "share that left", "share"),
            Column("lift", "number", "that share ÷ the share of all", "number"),
            Column("found", "number", "share of all who left, in this tenth and those above", "share"),
        ),
        key=("decile",),
    ),
    Table(
        "cohort_retention",
        "one row a cohort and period: who of those who began together ordered in it",
        (
            Column("cohort", "text", "month or quarter of the first order", required=True),
            Column("period", "integer", "months or quarters since then", "count", required=True),
            Column("customers", "integer", "customers of the cohort", "count", required=True),
            Column("ordering", "integer", "of them who ordered in the period", "count", required=True),
            *interval("share", "number", "share that ordered", "share"),
        ),
        key=("cohort", "period"),
    ),
    Table(
        "next_order_tests",
        "one row a question and method: how near it came to the next orders",
        (
            Column("question", "text", "when, or what", required=True, choices=("when", "what")),
            Column("method", "text", "the method", required=True),
            Column("customers", "integer", "customers it was tested on", "count", required=True),
            *interval("score", "number", "mean error in days, or share right", "number"),
            *interval("gain", "number", "better than the first method by", "number"),
        ),
        key=("question", "method"),
    ),
)
"""What is expected of customers, how it was tested, and who is about to leave."""
