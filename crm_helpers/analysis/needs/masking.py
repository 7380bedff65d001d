"""Nothing personal leaves a comment: addresses, links, numbers, accounts and names are masked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

__all__ = ["mask"]

_BETWEEN = r"[\s\-–—_.·•*/()（）,，、]{0,3}"  # what people put between the digits of a number
_DIGIT = r"[\d零〇一二三四五六七八九幺两]"
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_ACCOUNT = r"(?:微信|薇信|vx|wechat|weixin|qq|whatsapp)\s*(?:号|id)?\s*(?:是|is)?\s*[:：]?\s*"
_CALLED = r"(?:my name is|this is (?:mr|mrs|ms)\.?|(?<!\w)(?:mr|mrs|ms)\.?)\s+"
_STREET = r"(?:street|st|road|rd|avenue|ave|lane|drive)\b\.?"
_RULES = (
    (r"[^\s@，。,;；:：]+\s*@\s*[^\s@，。,;；]+\.\w+", "[e-mail]"),
    (r"(?:https?://|www\.)\S+", "[link]"),
    (rf"({_ACCOUNT})[a-z0-9][\w\-]{{3,}}", r"\1[account]"),
    (rf"(?<![a-z])[a-z]{{0,4}}[-_#]?\+?\d(?:{_BETWEEN}\d){{4,}}(?:{_BETWEEN}x)?", "[number]"),
    (rf"{_DIGIT}{{7,}}", "[number]"),
    (r"(?<=我叫)[\u3400-\u9fff]{2,3}|[\u3400-\u9fff]{1,2}(?=先生|女士|小姐)", "[name]"),
    (rf"({_CALLED})[a-z]+", r"\1[name]"),
    (r"[\u3400-\u9fff]{2,8}(?:路|街|巷|弄|大道)\s*\d+\s*号?\S{0,12}", "[address]"),
    (rf"\b\d+\s+\w+\s+{_STREET}", "[address]"),
)
_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), name) for pattern, name in _RULES)


def mask(text: str, *, known: Sequence[str] = ()) -> str:
    """Replace what could identify a person; errs on the side of hiding.

    Parameters
    ----------
    text
        A comment, as written.
    known
        What is known of the customer who wrote it (name, telephone), hidden wherever it stands.

    Returns
    -------
    str
        The comment with names of what was hidden in brackets.

    Examples
    --------
    >>> mask("打我电话 138 0013-8000，订单T000123456 还没到")
    '打我电话 [number]，订单[number] 还没到'
    >>> mask("write to li.lei@example.com", known=["write"])
    '[known] to [e-mail]'
    """
    text = _INVISIBLE.sub("", "".join(map(_narrow, text)))
    for word in sorted((word for word in known if len(word) > 1), key=len, reverse=True):
        text = re.sub(re.escape(word), "[known]", text, flags=re.IGNORECASE)
    for pattern, name in _PATTERNS:
        text = pattern.sub(name, text)
    return text


def _narrow(letter: str) -> str:
    """Write full-width letters, digits and at signs in half width; Chinese punctuation stays as it is."""
    narrow = unicodedata.normalize("NFKC", letter)
    return narrow if narrow.isalnum() or letter in "＠．－＋" else letter
