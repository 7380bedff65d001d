"""Parts of a profile that allow no unknown key, and what to say of a fault: its key and the way out."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict

from crm_helpers.errors import suggest

__all__ = ["Strict", "said_fault"]

_KIND = ("kind", "type")


class Strict(BaseModel):
    """A part of the profile: unknown keys are errors, nothing changes once read.

    Where a part may be of several kinds, its key `kind` or `type` says which.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


def said_fault(model: type[Strict], fault: Any) -> str:
    """Say where a fault is and what was probably meant, never the value.

    Parameters
    ----------
    model
        What was read.
    fault
        One of pydantic's `errors()`.

    Returns
    -------
    str
        The key, with dots, and what is wrong with it.
    """
    place, kind = _found(model, fault["loc"])
    shown = ".".join(place)
    if fault["type"] == "extra_forbidden":
        _, part = _found(model, fault["loc"][:-1])
        known = [key for one in _models(part) for key in one.model_fields]
        return f"{shown}: unknown key; {suggest(place[-1], known)}"
    if fault["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        word, context = fault["ctx"]["discriminator"].strip("'"), fault["ctx"]
        known = [tag for one in _models(kind) for tag in _tags(one)]
        hint = suggest(context["tag"], known) if "tag" in context else f"known: {', '.join(sorted(known))}"
        return f"{shown}.{word}: unknown {word}; {hint}"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{shown}: {message}" if shown else message


def _found(model: type[Strict], place: tuple[str | int, ...]) -> tuple[list[str], Any]:
    # pydantic puts the kind that was chosen into the place of a fault; the profile has no such key
    shown: list[str] = []
    kind: Any = model
    for part in place:
        kinds = _models(kind)
        if len(kinds) > 1:
            kind = next((one for one in kinds if part in _tags(one)), None)
        else:
            shown.append(str(part))
            kind = _inside(kind, part)
    return shown, kind


def _inside(kind: Any, part: str | int) -> Any:
    field = next((one.model_fields.get(str(part)) for one in _models(kind)), None)
    if field is not None:
        return field.annotation
    return get_args(kind)[1] if get_origin(kind) is dict else None


def _models(kind: Any) -> list[type[BaseModel]]:
    origin = get_origin(kind)
    if origin is Annotated:
        return _models(get_args(kind)[0])
    if origin in {Union, UnionType}:
        return [model for one in get_args(kind) for model in _models(one)]
    return [kind] if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def _tags(model: type[BaseModel]) -> tuple[str, ...]:
    return next(
        (get_args(model.model_fields[key].annotation) for key in _KIND if key in model.model_fields), ()
    )
