"""Names in one spelling: Chinese ones as pinyin of family and given name, all others as they are.

A Chinese name is cut into family and given name first: many characters are read one way as a family
name and another way elsewhere (单 Shan, 解 Xie, 曾 Zeng), so a reading character by character is wrong.
Only the distinct parts are read, a few thousand even where customers are millions.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

import pyarrow as pa

__all__ = ["COMPOUND_FAMILIES", "read_family", "read_given", "readings"]

_FAMILIES = tomllib.loads(files(__package__).joinpath("families.toml").read_text(encoding="utf-8"))

COMPOUND_FAMILIES: tuple[str, ...] = tuple(_FAMILIES["compound"])
"""Family names of two characters."""


def readings(table: pa.Table) -> pa.Table:
    """Read distinct parts of Chinese names.

    Parameters
    ----------
    table
        `part` (the characters) and `is_family`, one row a distinct part.

    Returns
    -------
    pyarrow.Table
        The same rows with `reading`, in Latin letters without tones.
    """
    pairs = zip(table["part"].to_pylist(), table["is_family"].to_pylist(), strict=True)
    read = [read_family(part) if is_family else read_given(part) for part, is_family in pairs]
    return table.append_column("reading", pa.array(read, pa.string()))


def read_family(part: str) -> str:
    """Read the characters of a family name.

    Parameters
    ----------
    part
        One or two characters.

    Returns
    -------
    str
        Pinyin without tones, as passports write it.

    Examples
    --------
    >>> [read_family(part) for part in ("单", "曾", "欧阳", "吕")]
    ['shan', 'zeng', 'ouyang', 'lu']
    """
    return str(_FAMILIES["readings"].get(part) or read_given(part))


def read_given(part: str) -> str:
    """Read the characters of a given name as one word, so that words decide how a character is read.

    Parameters
    ----------
    part
        Any number of characters.

    Returns
    -------
    str
        Pinyin without tones and blanks.

    Examples
    --------
    >>> read_given("志海")
    'zhihai'
    >>> read_given("重阳")  # 重 alone would be zhong
    'chongyang'
    """
    if all(_only_reading(character) for character in part):  # most names, at a tenth of the time
        return "".join(_only_reading(character) for character in part)
    from pypinyin import lazy_pinyin  # noqa: PLC0415 - a company without Chinese names need not load it

    return _plain("".join(lazy_pinyin(part, v_to_u=True)))


@cache
def _only_reading(character: str) -> str:
    """Read a character that is read one way, tones apart; nothing for one that is read several ways."""
    from pypinyin import Style, pinyin  # noqa: PLC0415

    found = {
        _plain(reading) for reading in pinyin(character, style=Style.NORMAL, heteronym=True, v_to_u=True)[0]
    }
    return found.pop() if len(found) == 1 else ""


def _plain(reading: str) -> str:
    return reading.replace("ü", "u")
