"""Which encoding a text file is in: by its byte order mark, by what can be read at all, by common characters.

A guess is for `crm new` and `crm check` to show; a run reads what the profile records and nothing else.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path

import numpy as np

__all__ = ["guess_encoding"]

SAMPLE_BYTES = 1 << 22  # characters are weighed on this much; whether a file can be read, on all of it
CERTAIN = 1.0
WESTERN = 0.5  # any bytes but five are some text in cp1252

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

Pairs = tuple[np.ndarray, np.ndarray]


def guess_encoding(path: Path) -> tuple[str, float] | None:
    """Guess the encoding of a text file.

    GB18030 and Big5 read each other's text into rare characters: of those that read the whole file, the one
    with the larger share of common characters wins, and that share is the score.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    tuple of str and float, or None
        Python's name of the encoding and a score from 0 to 1; nothing when no encoding reads the file.
    """
    with path.open("rb") as file:
        sample = file.read(SAMPLE_BYTES)
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return (name, CERTAIN) if _readable(path, name) else None
    if b"\0" in sample:
        return _without_mark(path, sample)
    if _readable(path, "utf-8"):
        return "utf-8", CERTAIN
    scored = [(_share(sample, common), name) for name, common in _COMMON.items() if _readable(path, name)]
    best = max(scored, default=(0.0, ""))
    if best[0] > WESTERN:
        return best[1], round(best[0], 2)
    return ("cp1252", WESTERN) if _readable(path, "cp1252") else None


def _without_mark(path: Path, sample: bytes) -> tuple[str, float] | None:
    # text of mostly Latin letters has its zero bytes on one side
    odd, even = sample[1::2].count(0), sample[0::2].count(0)
    name, score = "utf-16-le" if odd > even else "utf-16-be", abs(odd - even) / (odd + even)
    return (name, round(score, 2)) if score > WESTERN and _readable(path, name) else None


def _readable(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    with path.open("rb") as file:
        try:
            while chunk := file.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _share(sample: bytes, common: Callable[[Pairs], np.ndarray]) -> float:
    pairs = _pairs(sample)
    return float(common(pairs).mean()) if len(pairs[0]) else 0.0


def _pairs(sample: bytes) -> Pairs:
    # a character starts with a high byte; runs of high bytes are cut into twos
    found, position = [], 0
    content = sample[:200_000]
    while position < len(content) - 1:
        if content[position] < 0x80:
            position += 1
            continue
        found.append((content[position], content[position + 1]))
        position += 2
    lead, trail = zip(*found, strict=True) if found else ((), ())
    return np.array(lead), np.array(trail)


def _common_gb(pairs: Pairs) -> np.ndarray:
    lead, trail = pairs
    return (((lead >= 0xB0) & (lead <= 0xD7)) | ((lead >= 0xA1) & (lead <= 0xA3))) & (trail >= 0xA1)


def _common_big5(pairs: Pairs) -> np.ndarray:
    lead, trail = pairs
    return (lead >= 0xA1) & (lead <= 0xC6) & (trail >= 0x40) & ~((trail > 0x7E) & (trail < 0xA1))


_COMMON: dict[str, Callable[[Pairs], np.ndarray]] = {"big5": _common_big5, "gb18030": _common_gb}
