"""How many times as important one measure of a campaign is as another: the text, and the weights it gives.

A text reads "effect : return = 1; effect : answers = 3; …", each pair once; a ratio may be "1/3".
"""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import combinations

import numpy as np

from crm_helpers.errors import InputError, suggest

__all__ = ["CONSISTENT", "NAMES", "ahp_weights", "read_judgements"]

NAMES = ("effect", "return", "answers", "budget")
"""What the measures are called in the text, in the order of `composite.MEASURES`."""

CONSISTENT = 0.1
"""Saaty's bound of the consistency ratio: above it judgements contradict each other."""

_RANDOM_INDEX = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24)  # mean inconsistency of random judgements, by size
_PAIR = re.compile(r"\s*(\w+)\s*:\s*(\w+)\s*=\s*(\d+(?:\.\d+)?(?:/[1-9]\d*)?)\s*")
_SCALE = (Fraction(1, 9), Fraction(9))  # Saaty's


def read_judgements(text: str) -> tuple[float, ...]:
    """Read pairwise judgements from a text.

    Parameters
    ----------
    text
        Every pair of `NAMES` once, in any order, apart by semicolons.

    Returns
    -------
    tuple of float
        Upper triangle of their matrix, row by row.

    Raises
    ------
    InputError
        Where a part does not read, or a pair is missing, unknown or stated twice.

    Examples
    --------
    >>> read_judgements("effect:return=1; effect:answers=3; effect:budget=5; "
    ...     "answers:return=1/3; return:budget=5; answers:budget=2")
    (1.0, 3.0, 5.0, 3.0, 5.0, 2.0)
    """
    found: dict[tuple[str, str], Fraction] = {}
    for part in filter(str.strip, text.split(";")):
        one, other, times = _read(part)
        if (one, other) in found or (other, one) in found:
            raise InputError(f'judgements: "{one} : {other}" stands there twice; state each pair once')
        found[one, other] = times
        found[other, one] = 1 / times
    pairs = list(combinations(NAMES, 2))
    missing = [f"{one} : {other}" for one, other in pairs if (one, other) not in found]
    if missing:
        raise InputError(f'judgements: "{missing[0]}" is missing; state each pair of {", ".join(NAMES)}')
    return tuple(float(found[pair]) for pair in pairs)


def ahp_weights(judgements: tuple[float, ...], size: int) -> tuple[np.ndarray, float]:
    """Weigh measures by pairwise judgements: the first eigenvector of their matrix (Saaty 1980).

    Parameters
    ----------
    judgements
        Upper triangle of the matrix, row by row.
    size
        How many measures.

    Returns
    -------
    tuple of numpy.ndarray and float
        Weights that sum to one, and the consistency ratio.

    Examples
    --------
    >>> weights, ratio = ahp_weights((2.0, 4.0, 2.0), 3)
    >>> weights.round(3).tolist(), abs(round(ratio, 3))
    ([0.571, 0.286, 0.143], 0.0)
    """
    matrix = np.eye(size)
    matrix[np.triu_indices(size, 1)] = judgements
    matrix = matrix + np.triu(1 / np.where(matrix > 0, matrix, 1.0), 1).T
    values, vectors = np.linalg.eig(matrix)
    largest = int(np.argmax(values.real))
    weights = np.abs(vectors[:, largest].real)
    ratio = (values[largest].real - size) / max(size - 1, 1) / max(_RANDOM_INDEX[size - 1], 1e-9)
    return weights / weights.sum(), float(ratio)


def _read(part: str) -> tuple[str, str, Fraction]:
    read = _PAIR.fullmatch(part)
    if read is None:
        raise InputError(f'judgements: "{part.strip()}" does not read as "effect : return = 3"')
    one, other, times = read[1], read[2], Fraction(read[3])
    for name in (one, other):
        if name not in NAMES:
            raise InputError(f'judgements: no measure "{name}"; {suggest(name, NAMES)}')
    if one == other:
        raise InputError(f'judgements: "{part.strip()}" sets a measure against itself')
    if not _SCALE[0] <= times <= _SCALE[1]:
        raise InputError(f'judgements: "{part.strip()}" must be from 1/9 to 9')
    return one, other, times
