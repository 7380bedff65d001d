"""Stock phrases: what is said beside everything and never by itself says nothing of what is needed."""

from __future__ import annotations

import numpy as np
from scipy import sparse

__all__ = ["company", "stock_phrases"]

FEWEST = 20  # different texts a stock phrase must stand in
BROAD = 1.2  # nats: its company is that of three tenths of everything that is said
BESIDE = 0.8  # share of its texts that say something else that tells


def stock_phrases(
    holds: sparse.csr_array, cut: sparse.csr_array, *, chinese: np.ndarray, topical: np.ndarray
) -> np.ndarray:
    """Find greetings, thanks and threats that customers put before and after what they have to say.

    Parameters
    ----------
    holds
        Different texts by phrases, 0 or 1.
    cut
        Phrases by words, 0 or 1.
    chinese
        Whether each word is written in Chinese characters.
    topical
        Whether each word tells what a text is about.

    Returns
    -------
    numpy.ndarray
        Whether each phrase is one.
    """
    texts = np.asarray(holds.sum(axis=0)).ravel()
    often = np.flatnonzero(texts >= FEWEST)
    stock = np.zeros(holds.shape[1], dtype=bool)
    if not len(often):
        return stock
    some = sparse.csc_array(holds)[:, often]
    told = sparse.csr_array(cut[:, topical])
    beside = sparse.csr_array(some.T @ (holds @ told) - sparse.diags_array(texts[often]) @ told[often])
    script = np.asarray((cut[often] @ chinese) * 2 >= cut[often].sum(axis=1)).ravel()
    tells = np.asarray(told.sum(axis=1)).ravel() > 0
    more = some.multiply((holds @ tells)[:, None]).tocsc()
    more.data = (more.data > np.repeat(tells[often], np.diff(more.indptr))).astype(float)
    beside_share = np.asarray(more.sum(axis=0)).ravel() / texts[often]
    broad = company(beside, script, chinese[topical]) < BROAD
    stock[often] = broad & (beside_share >= BESIDE)
    return stock


def company(together: sparse.csr_array, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Measure how far the words beside something differ from all words of its script.

    `Σ p(v|w) log (p(v|w) / p(v))` over the words v that stand beside w, less its expected value under
    chance `(m − 1) / 2n` (Miller 1955). Words of the other script do not count: a language that few
    customers write would seem to tell something by itself.

    Parameters
    ----------
    together
        How often each word (column) stands beside each of these (rows).
    row, column
        Whether each row and each column is Chinese.

    Returns
    -------
    numpy.ndarray
        Nats, one a row.
    """
    told = np.zeros(len(row))
    for script in (True, False):
        rows, columns = np.flatnonzero(row == script), np.flatnonzero(column == script)
        part = sparse.csr_array(together[rows][:, columns])
        part.eliminate_zeros()
        if not part.nnz:
            continue
        sums, base = np.asarray(part.sum(axis=1)).ravel(), np.asarray(part.sum(axis=0)).ravel()
        place = np.repeat(np.arange(len(rows)), np.diff(part.indptr))
        share = part.data / np.maximum(sums[place], 1)
        logs = share * np.log(share * base.sum() / base[part.indices])
        chance = (np.diff(part.indptr) - 1) / (2 * np.maximum(sums, 1))
        told[rows] = np.bincount(place, logs, minlength=len(rows)) - chance
    return told
