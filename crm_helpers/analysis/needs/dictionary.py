"""Words that the dictionary lacks: mined from the company's own comments.

A string of characters is a word when its parts meet far more often than by chance (pointwise mutual
information) and what stands before and after it is free to vary (branching entropy).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

__all__ = ["candidates", "new_words"]

LONGEST = 4  # characters
FEWEST = 5  # distinct places a word must stand in
INFORMATION = 4.0  # bits: sixteen times as often as by chance
ENTROPY = 1.0  # bits on either side that must be exceeded: more than two neighbours, equally often
_LOOSE = frozenset(
    "的了吗呢吧啊哦我你您他她它们是在有没不很太就都也还又再才和与或被把给让到从这那个些什么怎哪几一两"
)
_BREAK = "\n"


def new_words(pieces: Sequence[str], known: Collection[str]) -> pd.DataFrame:
    """Find words that are not in the dictionary.

    Parameters
    ----------
    pieces
        Distinct runs of Chinese characters, so that a repeated template counts once.
    known
        The dictionary.

    Returns
    -------
    pandas.DataFrame
        `word`, `count`, `information`, `entropy`, the most frequent first.
    """
    found = candidates(pieces)
    good = (found["count"] >= FEWEST) & (found["information"] >= INFORMATION) & (found["entropy"] > ENTROPY)
    found = found[good]
    usable = [word not in known and not {word[0], word[-1]} & _LOOSE for word in found["word"]]
    found = found[np.array(usable, dtype=bool)]
    return found.sort_values(["count", "word"], ascending=[False, True]).reset_index(drop=True)


def candidates(pieces: Sequence[str]) -> pd.DataFrame:
    """Measure every string of two to four characters that occurs at least twice.

    `information = min over cuts w = ab of log2 p(w) / (p(a) p(b))`; `entropy` is the smaller of the
    entropies (bits) of the character before and the character after.

    Parameters
    ----------
    pieces
        Distinct runs of Chinese characters.

    Returns
    -------
    pandas.DataFrame
        `word`, `count`, `information`, `entropy`.

    Examples
    --------
    >>> found = candidates(["甲电池乙", "丙电池丁", "戊电池", "甲丙", "乙丁"]).set_index("word").loc["电池"]
    >>> int(found["count"]), round(float(found["information"]), 3), round(float(found["entropy"]), 3)
    (3, 2.322, 1.585)
    """
    text = np.frombuffer(_BREAK.join(["", *pieces, ""]).encode("utf-32-le"), dtype=np.uint32)
    alphabet, codes = np.unique(text, return_inverse=True)
    grams = {n: _grams(codes, n, size=len(alphabet)) for n in range(1, LONGEST + 2)}
    broken = int(np.searchsorted(alphabet, ord(_BREAK)))
    total = int((codes != broken).sum())
    frames = [_measured(grams, n, alphabet, broken=broken, total=total) for n in range(2, LONGEST + 1)]
    return pd.concat(frames, ignore_index=True)


def _grams(codes: np.ndarray, n: int, *, size: int) -> pd.Series:
    """Count strings of n characters; the key is the number they spell in base `size`."""
    keys = np.zeros(max(len(codes) - n + 1, 0), dtype=np.int64)
    for place in range(n):
        keys = keys * size + codes[place : len(keys) + place]
    values, counts = np.unique(keys, return_counts=True)
    return pd.Series(counts, index=values)


def _measured(
    grams: dict[int, pd.Series], n: int, alphabet: np.ndarray, *, broken: int, total: int
) -> pd.DataFrame:
    size = len(alphabet)
    counts = grams[n][grams[n] >= 2]
    digits = np.stack([counts.index.to_numpy() // size**place % size for place in reversed(range(n))], axis=1)
    whole = (digits != broken).all(axis=1)
    counts, digits = counts[whole], digits[whole]
    key = counts.index.to_numpy()
    after, before = (
        _entropy(grams[n + 1], grams[n + 1].index // size),
        _entropy(grams[n + 1], grams[n + 1].index % size**n),
    )
    information = np.full(len(key), np.inf)
    for cut in range(1, n):
        first, second = grams[cut].loc[key // size ** (n - cut)], grams[n - cut].loc[key % size ** (n - cut)]
        chance = first.to_numpy() * second.to_numpy() / total
        information = np.minimum(information, np.log2(counts.to_numpy() / chance))
    words = alphabet[digits].astype("<u4").view(f"<U{n}").ravel() if len(key) else np.array([], dtype="U1")
    entropy = np.minimum(after.reindex(key, fill_value=0.0), before.reindex(key, fill_value=0.0).to_numpy())
    return pd.DataFrame(
        {
            "word": pd.Series(words, dtype="str"),
            "count": counts.to_numpy(),
            "information": information,
            "entropy": entropy.to_numpy(),
        }
    )


def _entropy(grams: pd.Series, group: pd.Index) -> pd.Series:
    """Entropy in bits of the strings in each group, by how often they occur."""
    counts = grams.to_numpy(dtype=float)
    totals = pd.Series(counts).groupby(group.to_numpy()).transform("sum").to_numpy()
    share = counts / totals
    return pd.Series(-share * np.log2(share)).groupby(group.to_numpy()).sum()
