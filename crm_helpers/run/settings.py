"""Which value does each parameter get? The cell's default, the profile, a parameters file, the command line.

Each later one wins. Everything is checked before anything runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import yaml

from crm_helpers.errors import InputError, suggest
from crm_helpers.run.parameters import Parameter, Value, check_name, check_value, value_from_text
from crm_helpers.run.plan import Page, find_page

__all__ = ["file_texts", "given_texts", "page_values"]

_GIVEN = ("company", "as_of")  # by `crm run COMPANY --as-of DATE`, the same for every page
_PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "timestamp")}
_LARGEST = 1_000_000  # bytes of a parameters file

Texts = dict[str, dict[str, str]]
"""Values as typed, by page and parameter."""


def given_texts(assignments: Iterable[str], pages: Sequence[Page]) -> Texts:
    """Read `PAGE.NAME=VALUE` from the command line.

    Parameters
    ----------
    assignments
        Such as `03.clusters=5`; the page by number, name or a beginning only it has.
    pages
        The pages there are.

    Returns
    -------
    dict
        Value as typed, by page and parameter.

    Raises
    ------
    InputError
        When the form, the page or the parameter is wrong, or one is given twice.
    """
    found: Texts = {}
    for assignment in assignments:
        target, equals, text = assignment.partition("=")
        asked, point, name = target.partition(".")
        if not (equals and point):
            raise InputError("-p: write PAGE.NAME=VALUE, such as -p 03_segmentation.clusters=5")
        page = find_page(asked, pages)
        _declared(page, name)
        if name in found.setdefault(page.name, {}):
            raise InputError(f"{page.name}.{name}: given twice with -p")
        found[page.name][name] = text
    return found


def file_texts(path: Path, pages: Sequence[Page]) -> Texts:
    """Read a parameters file: YAML, values by parameter under each page.

    Parameters
    ----------
    path
        The file.
    pages
        The pages there are.

    Returns
    -------
    dict
        Value as typed, by page and parameter: `007` stays text where text is declared.

    Raises
    ------
    InputError
        When it cannot be read, a key is unknown or doubled, or a value is not a plain one.
    """
    root = _yaml(path)
    found: Texts = {}
    for key, entries in _entries(path, root) if root else ():
        page = find_page(key, pages)
        if page.name in found:
            raise InputError(f"{path.name}: {page.name} stands there twice")
        found[page.name] = {}
        for name, node in _entries(path, entries):
            _declared(page, name)
            if name in found[page.name]:
                raise InputError(f"{path.name}: {page.name}.{name} stands there twice")
            if not isinstance(node, yaml.ScalarNode) or node.tag not in _PLAIN:
                raise InputError(f"{path.name}, line {_line(node)}: {page.name}.{name} needs one plain value")
            found[page.name][name] = node.value
    return found


def _yaml(path: Path) -> yaml.Node | None:
    try:
        content = path.read_bytes()
        if len(content) > _LARGEST:
            raise InputError(f"{path.name}: larger than 1 MB, not a parameters file")
        return yaml.compose(content.decode("utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise InputError(f"parameters file {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"{path.name}{place}: not valid YAML") from None


def _entries(path: Path, node: yaml.Node) -> list[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise InputError(f"{path.name}, line {_line(node)}: write `PAGE:` and under it `NAME: VALUE`")
    return [(str(key.value), value) for key, value in node.value]


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _declared(page: Page, name: str) -> Parameter:
    check_name(f"{page.name}.{name}", name)
    if name in _GIVEN:
        raise InputError(f"{page.name}.{name}: the same for every page; see crm run --help")
    declared = {parameter.name: parameter for parameter in page.parameters}
    if name not in declared:
        settable = [known for known in declared if known not in _GIVEN]
        raise InputError(f"{page.name}.{name}: unknown parameter; {suggest(name, settable)}")
    return declared[name]


def page_values(
    pages: Sequence[Page],
    profile: Mapping[str, Mapping[str, Value]],
    *,
    texts: Sequence[Texts],
    company: str,
    as_of: str,
) -> dict[str, dict[str, Value]]:
    """Settle the value of every parameter of every page.

    Parameters
    ----------
    pages
        The pages there are.
    profile
        The profile's `[pages.NN_noun]`.
    texts
        What files and command line say; later ones win.
    company, as_of
        The same for every page that declares them.

    Returns
    -------
    dict
        Values by page and parameter, in the order of the notebooks' cells.

    Raises
    ------
    InputError
        When a page or parameter of the profile is unknown, or a value does not fit.
    """
    known = {page.name for page in pages}
    for name in profile:
        if name not in known:
            raise InputError(f"profile.toml, pages.{name}: unknown page; {suggest(name, known)}")
    given: dict[str, Value] = {"company": company, "as_of": as_of}
    return {page.name: _values(page, profile.get(page.name, {}), texts, given) for page in pages}


def _values(
    page: Page, profile: Mapping[str, Value], texts: Sequence[Texts], given: Mapping[str, Value]
) -> dict[str, Value]:
    values = {parameter.name: parameter.default for parameter in page.parameters}
    for name, value in profile.items():
        values[name] = check_value(f"profile.toml, pages.{page.name}", _declared(page, name), value)
    for layer in texts:
        for name, text in layer.get(page.name, {}).items():
            values[name] = value_from_text(page.name, _declared(page, name), text)
    for parameter in page.parameters:
        if parameter.name in given:
            values[parameter.name] = check_value(page.name, parameter, given[parameter.name])
    return values
