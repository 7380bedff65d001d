"""What a REST source answers: good JSON, with every number as it is written."""

from __future__ import annotations

from typing import Any

import simplejson  # type: ignore[import-untyped]
from requests import Response
from requests.utils import get_encoding_from_headers

from crm_helpers.errors import InputError

__all__ = ["document_of"]


def document_of(key: str, response: Response) -> Any:
    """Read an answer's JSON.

    Parameters
    ----------
    key
        The source's place in the profile, for messages.
    response
        The answer.

    Returns
    -------
    Any
        The document; numbers with a point are `Decimal`.

    Raises
    ------
    InputError
        When it is not JSON, names a key twice, or holds `NaN`.
    """
    stated = "charset" in response.headers.get("Content-Type", "").lower()
    encoding = get_encoding_from_headers(response.headers) if stated else "utf-8-sig"
    try:
        text = response.content.decode(encoding or "utf-8-sig")
        return simplejson.loads(text, use_decimal=True, object_pairs_hook=_unique, allow_nan=False)
    except (ValueError, LookupError, RecursionError):  # its own message would print the answer
        raise InputError(f"{key}: the API answers with something else than good JSON; look at url") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found
