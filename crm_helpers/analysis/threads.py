"""Keep short sums on one thread: sharing them costs more than they do, and changes their last digit."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController

__all__ = ["one_thread"]


def one_thread(libraries: str = "") -> AbstractContextManager[object]:
    """Let numeric libraries use one thread, in a `with` block.

    Parameters
    ----------
    libraries
        `blas` for those of numpy and scipy only; without it all that are loaded at the first call.

    Returns
    -------
    AbstractContextManager
        To enter.
    """
    limited: AbstractContextManager[object] = _controller(libraries).limit(limits=1)
    return limited


@cache
def _controller(libraries: str) -> ThreadpoolController:
    # looking for the libraries takes milliseconds, and models predict some hundred times a page
    found = ThreadpoolController()
    return found.select(user_api=libraries) if libraries else found
