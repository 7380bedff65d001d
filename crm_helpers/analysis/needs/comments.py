"""Which comments count: written ones, each customer's repeats once, templates left out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis
import pandas as pd

from crm_helpers.analysis.needs.copies import originals
from crm_helpers.analysis.needs.normalise import language, normalised

__all__ = ["STEPS", "Comments", "choose_comments", "read_comments"]

TEMPLATE_SHARE = 0.02  # one wording with a larger share of the comments was not thought of by each customer
TEMPLATE_COUNT = 20
STEPS = ("written", "without words", "said again by the same customer", "templates", "used")
"""What became of the comments, in order."""


@dataclass(frozen=True)
class Comments:
    """Comments that count, and what became of the others."""

    rows: pd.DataFrame
    """`communication_id`, `customer_id`, `occurred_at`, `channel`, `kind`, `satisfaction`, `comment`, and
    `text` (normalised), `language`, by time."""
    steps: pd.DataFrame
    """`step` of `STEPS`, `comments`."""
    templates: int
    """Different wordings that were left out as templates."""

    def count(self, step: str) -> int:
        """Return the number of comments of a step."""
        return int(self.steps.set_index("step")["comments"].get(step, 0))


def read_comments(communications: ibis.Table, *, as_of: date) -> pd.DataFrame:
    """Read what customers wrote before a day, in the order of time.

    Parameters
    ----------
    communications
        The canonical table.
    as_of
        Comments of this day and later are not seen.

    Returns
    -------
    pandas.DataFrame
        Comments that hold anything but blanks.
    """
    table = communications.filter(communications.occurred_at < ibis.literal(as_of).cast("timestamp"))
    table = table.filter(table.comment.strip().length() > 0)
    columns = ["communication_id", "customer_id", "occurred_at", "channel", "kind", "satisfaction", "comment"]
    rows = table.select(*columns, "resolved_at").order_by("occurred_at", "communication_id")
    return pd.DataFrame(rows.to_pandas())


def choose_comments(written: pd.DataFrame) -> Comments:
    """Leave out what says nothing of its own: no words, the same again, a template.

    Two comments say the same when their letters do, whatever the digits, blanks, signs and emoji between
    them, or when one is a copy of the other with small changes. What one customer says again counts once;
    a wording that makes up more than a fiftieth of all comments (and at least twenty) is a template, such
    as a default praise or a letter that goes round.

    Parameters
    ----------
    written
        From `read_comments`.

    Returns
    -------
    Comments
        Those that count.
    """
    text = normalised(written["comment"])
    rows = written.assign(text=text, language=language(text).to_numpy())
    worded = rows[rows["language"] != "none"]
    key = worded["text"].str.replace(r"[\W\d_]+", " ", regex=True).str.strip()
    code, different = pd.factorize(key)
    worded = worded.assign(key=originals(pd.Series(different, dtype="str"))[code])
    own = worded[~worded.duplicated(["customer_id", "key"]) | worded["customer_id"].isna()]
    often = own["key"].map(own["key"].value_counts())
    template = (often > TEMPLATE_SHARE * len(own)) & (often >= TEMPLATE_COUNT)
    used = own[~template].drop(columns="key").reset_index(drop=True)
    counts = [len(rows), len(rows) - len(worded), len(worded) - len(own), int(template.sum()), len(used)]
    steps = pd.DataFrame({"step": list(STEPS), "comments": counts})
    return Comments(used, steps, int(own.loc[template, "key"].nunique()))
