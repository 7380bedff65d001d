"""Packages whose modules are imported when they are first named: `value.cohorts` after `import value`.

A notebook then names the packages it draws on in one line, and reads `value.cohorts.retention(...)`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType

__all__ = ["on_first_use"]


def on_first_use(package: str) -> Callable[[str], ModuleType]:
    """Make the `__getattr__` of a package (PEP 562).

    Parameters
    ----------
    package
        Its name.

    Returns
    -------
    callable
        Gives the module of that name inside the package; AttributeError when there is none.
    """

    def find(name: str) -> ModuleType:
        whole = f"{package}.{name}"
        try:
            return importlib.import_module(whole)
        except ModuleNotFoundError as error:
            # a module that is there and misses another one says so itself
            if error.name != whole:
                raise
            raise AttributeError(f"module {package!r} has no attribute {name!r}") from None

    return find
