"""One spelling for one word: width, case, traditional Chinese and blanks; and the language by its script."""

from __future__ import annotations

import numpy as np
import pandas as pd
from opencc import OpenCC

__all__ = ["LANGUAGES", "language", "normalised"]

LANGUAGES = ("Chinese", "English", "mixed", "none")
"""English stands for any text in Latin letters; none has no letters of either script."""

_HAN = r"[\u3400-\u9fff]"
_LATIN = r"[^\W\d_\u3000-\U0010ffff]{2,}"
_INVISIBLE = r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]"
_CLEAR = 0.8  # from this share of the words on, a comment is in one language


def normalised(texts: pd.Series) -> pd.Series:
    """Write every text in one way: half width (NFKC), lower case, simplified Chinese, single blanks.

    Parameters
    ----------
    texts
        What customers wrote.

    Returns
    -------
    pandas.Series
        Same index; empty where nothing was written.

    Examples
    --------
    >>> normalised(pd.Series(["這個包裹　ＯＫ！", None])).tolist()
    ['这个包裹 ok!', '']
    """
    codes, distinct = pd.factorize(texts.astype("str").fillna(""))
    plain = pd.Series(distinct, dtype="str").str.normalize("NFKC").str.replace(_INVISIBLE, "", regex=True)
    plain = plain.str.replace(r"\s+", " ", regex=True).str.strip().str.lower()
    return pd.Series(_simplified(plain).to_numpy()[codes], index=texts.index, dtype="str")


def language(texts: pd.Series) -> pd.Series:
    """Tell the language by the script: two Chinese characters weigh as much as one Latin word.

    Parameters
    ----------
    texts
        Normalised texts.

    Returns
    -------
    pandas.Series
        One of `LANGUAGES`.

    Examples
    --------
    >>> language(pd.Series(["退款没到账", "no refund yet", "app 闪退", "👍 123"])).tolist()
    ['Chinese', 'English', 'mixed', 'none']
    """
    han, latin = texts.str.count(_HAN).to_numpy() / 2, texts.str.count(_LATIN).to_numpy()
    share = han / np.maximum(han + latin, 1e-9)
    found = np.select(
        [han + latin == 0, share >= _CLEAR, share <= 1 - _CLEAR], ["none", "Chinese", "English"], "mixed"
    )
    return pd.Series(found, index=texts.index, dtype="str")


def _simplified(texts: pd.Series) -> pd.Series:
    """Convert all texts in one call: line ends keep them apart, and none is left inside a text."""
    if texts.empty:
        return texts
    return pd.Series(OpenCC("t2s").convert("\n".join(texts)).split("\n"), dtype="str")
