"""What may be asked of a page? Its parameters cell, read as a typed declaration and used as a check.

One line declares one parameter; the comment carries unit, range or choices, and meaning:

    clusters: int = 0        # count [0..12]: clusters to make; 0 = the evidence chooses
    method: str = "power"    # one of power|log: shape of the response
    as_of: str = ""          # date: the day the numbers stand for

The cell is parsed, never executed. Nothing here imports more than the standard library, because every
page checks its own parameters with it when it opens.
"""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from crm_helpers.errors import InputError, suggest
from crm_helpers.layout import notebooks_folder, project_root

__all__ = [
    "Parameter",
    "Value",
    "check_name",
    "check_parameters",
    "check_value",
    "declared_parameters",
    "notebook_parameters",
    "parameters_cell",
    "value_from_text",
]

Value = bool | int | float | str

_TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}
_WORDS = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}
_COMMENT = re.compile(
    r"#\s*(?P<unit>[^:\[]*?)\s*(?:\[(?P<low>[^\]]*?)\.\.(?P<high>[^\]]*?)\])?\s*:\s*(?P<meaning>\S.*)"
)
_CHOICES = re.compile(r"one of (\S+)")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_SECRET = re.compile(
    r"(^|_)(passwords?|passwd|pwd|passphrase|tokens?|secrets?|credentials?|(api|access|private)_?keys?)(_|$)"
)
_CREDENTIALS = re.compile(r"://[^/\s@]*:[^/\s@]+@")


@dataclass(frozen=True)
class Parameter:
    """One declared parameter of a page."""

    name: str
    type: str  # str, int, float or bool
    default: Value
    meaning: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def accepts(self) -> str:
        """What may be given, in words: `a whole number from 0 to 12 (count)`."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.unit == "date":
            return "a date such as 2024-12-31"
        bounds = [f"from {self.low:g}"] if self.low is not None else []
        bounds += [f"to {self.high:g}"] if self.high is not None else []
        unit = f" ({self.unit})" if self.unit else ""
        return " ".join([_WORDS[self.type], *bounds]) + unit


def parameters_cell(notebook: Mapping[str, Any]) -> str | None:
    """Source of the cell tagged `parameters`, or None.

    Parameters
    ----------
    notebook
        The notebook's JSON.

    Returns
    -------
    str or None
        The cell's source.
    """
    for cell in notebook.get("cells", ()):
        if cell["cell_type"] == "code" and "parameters" in cell.get("metadata", {}).get("tags", ()):
            return "".join(cell["source"])
    return None


def notebook_parameters(path: Path) -> tuple[Parameter, ...]:
    """Read what a notebook declares.

    Parameters
    ----------
    path
        The notebook.

    Returns
    -------
    tuple of Parameter
        In the order of the cell; empty when there is no such cell.

    Raises
    ------
    InputError
        When the file is no notebook or its parameters cell is not a declaration.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        source = parameters_cell(notebook)
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"notebooks/{path.name}: not a readable notebook") from None
    return declared_parameters(source, page=path.stem) if source is not None else ()


@lru_cache(maxsize=64)
def declared_parameters(source: str, *, page: str) -> tuple[Parameter, ...]:
    """Parse the source of a parameters cell.

    Parameters
    ----------
    source
        Lines `name: type = literal  # unit [low..high]: meaning`.
    page
        Name of the page, for messages.

    Returns
    -------
    tuple of Parameter
        One for each line.

    Raises
    ------
    InputError
        When a line is anything else, with its number.

    Examples
    --------
    >>> declared_parameters("clusters: int = 0  # count [0..12]: clusters to make", page="03")[0].accepts
    'a whole number from 0 to 12 (count)'
    """
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise InputError(f"{page}, parameters cell, line {error.lineno}: not Python") from None
    comments = _comments(source)
    found = tuple(_declaration(node, comments.get(node.end_lineno or 0, ""), page) for node in statements)
    for parameter in found:
        check_value(page, parameter, parameter.default)
    return found


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


def _declaration(node: ast.stmt, comment: str, page: str) -> Parameter:
    place = f"{page}, parameters cell, line {node.lineno}"
    match node:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id=kind), value=ast.expr() as value):
            pass
        case _:
            raise InputError(f"{place}: write `name: type = literal  # unit: meaning`, nothing else")
    if kind not in _TYPES:
        raise InputError(f"{place}: {name} has type {kind}; {suggest(kind, _TYPES)}")
    check_name(f"{page}.{name}", name)
    said = _COMMENT.fullmatch(comment.strip())
    if not said:
        raise InputError(f"{place}: {name} needs a comment `# unit [low..high]: meaning`")
    return _parameter(place, name, kind, value, said)


def _parameter(place: str, name: str, kind: str, value: ast.expr, said: re.Match[str]) -> Parameter:
    try:
        default = ast.literal_eval(value)
        low, high = (float(said[end]) if said[end] and said[end].strip() else None for end in ("low", "high"))
    except ValueError:
        raise InputError(f"{place}: the value of {name} and its range must be plain literals") from None
    chosen = _CHOICES.fullmatch(said["unit"])
    choices = tuple(chosen[1].split("|")) if chosen else ()
    unit = "" if choices else said["unit"]
    return Parameter(name, kind, default, said["meaning"].strip(), unit, low, high, choices)


def check_name(place: str, name: str) -> None:
    """Refuse names that are code or would carry a secret.

    Parameters
    ----------
    place
        Where the name stands, for the message.
    name
        A parameter's name.

    Raises
    ------
    InputError
        When it is not an identifier, or sounds like a secret.
    """
    if not name.isidentifier():
        raise InputError(f"{place}: a parameter's name is letters, digits and _ only")
    if _SECRET.search(name.lower()):
        raise InputError(
            f"{place}: secrets are not parameters; name an environment variable in profile.toml instead"
        )


def value_from_text(page: str, parameter: Parameter, text: str) -> Value:
    """Read a value typed on the command line or in a parameters file, by the declared type only.

    Parameters
    ----------
    page, parameter
        What it is for.
    text
        What was typed: `007` stays text where text is declared.

    Returns
    -------
    bool, int, float or str
        The checked value.

    Raises
    ------
    InputError
        When it does not fit the declaration.
    """
    value: Value = text
    if parameter.type == "bool":
        value = {"true": True, "false": False}.get(text.lower(), text)
    elif parameter.type == "int" and _INTEGER.fullmatch(text):
        value = int(text)
    elif parameter.type == "float" and _NUMBER.fullmatch(text):
        value = float(text)
    return check_value(page, parameter, value)


def check_value(page: str, parameter: Parameter, value: object) -> Value:
    """Check a typed value against its declaration.

    Parameters
    ----------
    page, parameter
        What it is for.
    value
        From the cell, the profile or a notebook's own call. A whole number serves as a number.

    Returns
    -------
    bool, int, float or str
        The value in its declared type.

    Raises
    ------
    InputError
        When type, range, choice or date is wrong; a value that holds credentials is not repeated.
    """
    place = f"{page}.{parameter.name}"
    if isinstance(value, str) and _CREDENTIALS.search(value):
        raise InputError(f"{place}: the value holds a password; name an environment variable in profile.toml")
    if parameter.type == "float" and type(value) is int:
        value = float(value)
    if isinstance(value, bool | int | float | str) and _fits(parameter, value):
        return value
    raise InputError(f"{place}: {value!r} is not {parameter.accepts}")


def _fits(parameter: Parameter, value: Value) -> bool:
    return type(value) is _TYPES[parameter.type] and _within(parameter, value)


def _within(parameter: Parameter, value: Value) -> bool:
    if parameter.choices:
        return value in parameter.choices
    if parameter.unit == "date":
        return value == "" or _is_date(str(value))
    if isinstance(value, str | bool):
        return True
    low = float("-inf") if parameter.low is None else parameter.low
    high = float("inf") if parameter.high is None else parameter.high
    # not a number fails both comparisons, infinity the next line
    return low <= value <= high and abs(value) != float("inf")


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def check_parameters(page: str, values: Mapping[str, object], root: Path | None = None) -> dict[str, Value]:
    """Check typed values against what the page's notebook declares, and fill in the defaults.

    Parameters
    ----------
    page
        Full name of the page, such as `03_segmentation`.
    values
        Values by parameter.
    root
        The project's root; found when not given.

    Returns
    -------
    dict
        Every declared parameter with its value, in the cell's order.

    Raises
    ------
    InputError
        When the page or a parameter is unknown, or a value does not fit.
    """
    folder = notebooks_folder(root or project_root())
    path = folder / f"{page}.ipynb"
    if not path.is_file():
        known = [other.stem for other in folder.glob("[0-9][0-9]_*.ipynb")]
        raise InputError(f'no page "{page}" in notebooks/: {suggest(page, known)}')
    declared = {parameter.name: parameter for parameter in notebook_parameters(path)}
    for name in values:
        check_name(f"{page}.{name}", name)
        if name not in declared:
            raise InputError(f"{page}.{name}: unknown parameter; {suggest(name, declared)}")
    return {
        name: check_value(page, parameter, values.get(name, parameter.default))
        for name, parameter in declared.items()
    }
