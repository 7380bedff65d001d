"""Run pages as soon as what they wait for is done, a few side by side, until one fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

__all__ = ["run_side_by_side"]

Result = TypeVar("Result")


def run_side_by_side(
    names: Sequence[str],
    after: Mapping[str, frozenset[str]],
    *,
    begin: Callable[[str], Callable[[], Result]],
    done: Callable[[Result], bool],
    stop: Callable[[], None],
    jobs: int,
) -> None:
    """Run named pieces of work in order of their needs.

    Parameters
    ----------
    names
        What to run; among those that are ready the one most others wait for goes first, then the earlier.
    after
        For each, the names that must be done before.
    begin
        Called in this thread when a piece is ready; returns the work, which another thread does.
    done
        Called in this thread with the result; False starts nothing more.
    stop
        Called when this thread is interrupted, to end the work of the others.
    jobs
        Pieces side by side.
    """
    # those that others wait for first: else a core idles at the end beside the last of a chain
    waiting, finished = sorted(names, key=lambda name: -_followers(name, after)), set[str]()
    running: dict[Future[Result], str] = {}
    going = True
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            while running or (going and waiting):
                ready = [name for name in waiting if after[name] <= finished] if going else []
                for name in ready[: jobs - len(running)]:
                    waiting.remove(name)
                    running[pool.submit(begin(name))] = name
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    finished.add(running.pop(future))
                    going = done(future.result()) and going
        except BaseException:
            stop()
            raise


def _followers(name: str, after: Mapping[str, frozenset[str]]) -> int:
    """Count the pieces that wait for one, those that wait for these included."""
    found = {name}
    while more := {other for other, needs in after.items() if needs & found} - found:
        found |= more
    return len(found) - 1
