"""Download the records of a REST source, all pages or nothing, as JSON lines whose values are text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from crm_helpers.errors import InputError
from crm_helpers.ingest.quiet import quiet_dlt
from crm_helpers.sources import RestSource

__all__ = ["stage_rest"]


def stage_rest(
    name: str, source: RestSource, work: Path, *, since: str | None = None, pages: int | None = None
) -> Path | None:
    """Download a source into a file of JSON lines.

    Nothing of it is in `raw/` yet: a download that dies leaves a file in the work folder, which goes with it.

    Parameters
    ----------
    name
        Name of the source.
    source
        Its address, login, paging.
    work
        Folder for the file.
    since
        The cursor's last value, for what changed since; everything when not given.
    pages
        Read no more than these; all when not given.

    Returns
    -------
    Path or None
        The file: numbers as they are written, true and false as words, nested values as JSON text. None
        when nothing changed.

    Raises
    ------
    InputError
        When the download fails or there are no records at all.
    """
    path = work / f"{name}.jsonl"
    params: dict[str, Any] = {key: _parameter(value) for key, value in source.params.items()}
    if since is not None and source.incremental is not None:
        params[str(source.incremental.param)] = since
    with quiet_dlt(work), path.open("w", encoding="utf-8") as file:
        from crm_helpers.ingest.rest_client import pages_of  # noqa: PLC0415 - it imports dlt

        count = 0
        for page in islice(pages_of(name, source, params), pages):
            file.writelines(_lines(name, page, count))
            count += len(page)
    if count == 0 and since is None:
        raise InputError(f"sources.{name}: the API has no records; look at records and params")
    return path if count else None


def _lines(name: str, records: Iterable[Any], before: int) -> Iterator[str]:
    for number, record in enumerate(records, start=before + 1):
        if not isinstance(record, dict):
            raise InputError(f"sources.{name}.records: record {number} is no object; look at the path")
        plain = {_whole(key): _text(value) for key, value in record.items()}
        yield json.dumps(plain, ensure_ascii=False) + "\n"


def _parameter(value: str | float | bool) -> str | float:
    return str(value).lower() if isinstance(value, bool) else value


def _text(value: Any) -> str | None:
    """Write a value as its exact text.

    Examples
    --------
    >>> [_text(value) for value in ("007", 12, True, None, ["张", {"n": False}])]
    ['007', '12', 'true', None, '["张",{"n":false}]']
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list)):
        import simplejson  # type: ignore[import-untyped] # noqa: PLC0415 - dlt has it loaded by now

        # the standard library writes no decimals as they came
        return _whole(simplejson.dumps(value, use_decimal=True, ensure_ascii=False, separators=(",", ":")))
    return _whole(str(value))


def _whole(text: str) -> str:
    # half of an emoji, where an application cut a text, is no character of any file
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if _halved(text) else text


def _halved(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)
