"""Forms of one English word count as one: returned, returning and returns are return."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["one_form", "stems"]

_ENDINGS = (
    (r"ies$", "y"),
    (r"(?<=[^aeious])es$|(?<=[^us])s$", ""),
    (r"(?<=[a-z]{3})(?:ing|ed)$", ""),
    (r"([bdfgkmnprt])\1$", r"\1"),
    (r"(?<=[a-z]{3})[ey]$", ""),
)
"""Endings in the order in which they are taken off; what is left only tells forms of one word."""


def one_form(words: pd.Series, often: np.ndarray) -> pd.Series:
    """Replace every word by the most frequent form of its stem.

    Parameters
    ----------
    words
        Different words in small letters.
    often
        How often each is written.

    Returns
    -------
    pandas.Series
        Same index.

    Examples
    --------
    >>> one_form(pd.Series(["returned", "return", "cards"]), np.array([2, 5, 1])).tolist()
    ['return', 'return', 'cards']
    """
    forms = pd.DataFrame({"stem": stems(words), "word": words, "often": often})
    leading = forms.sort_values(["often", "word"], ascending=[False, True]).drop_duplicates("stem")
    return forms["stem"].map(leading.set_index("stem")["word"]).astype("str")


def stems(words: pd.Series) -> pd.Series:
    """Take off the endings of plurals, of past and present, and a last e or y."""
    for pattern, left in _ENDINGS:
        words = words.str.replace(pattern, left, regex=True)
    return words
