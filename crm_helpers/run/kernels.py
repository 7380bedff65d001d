"""Warm kernels: a Jupyter provisioner that forks a server which has imported everything already.

A page that imports pandas, scikit-learn, statsmodels and ibis spends seconds on imports in a new
interpreter, and a fraction of a second in a fork. Kernels speak over Unix sockets, so pages side by side
never meet on a port. Where there is no fork server (Windows) the ordinary provisioner serves.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
import time
from contextlib import suppress
from importlib.metadata import EntryPoint
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerBase, KernelProvisionerFactory

from crm_helpers.run import warm
from crm_helpers.run.server import warm_available

__all__ = ["LOG", "KernelGroup", "WarmKernelClient", "WarmKernelManager", "WarmProvisioner"]

NAME = "crm-warm"
LOG = "CRM_KERNEL_LOG"
"""Variable of a kernel's environment: the file that takes what is written past IPython."""

_GRACE = 2.0  # seconds a kernel has to stop by itself before it is killed
_CALLS = threading.Lock()  # multiprocessing polls its children from any thread, and reads each exit code once

# without an installed entry point (a checkout run as it is) Jupyter still finds the provisioner
KernelProvisionerFactory.provisioners.setdefault(
    NAME,
    EntryPoint(NAME, f"{__name__}:WarmProvisioner", KernelProvisionerFactory.GROUP_NAME),
)


class WarmProvisioner(KernelProvisionerBase):  # type: ignore[misc]  # Jupyter's class has no types here
    """Starts a kernel as a fork of the server, signals it, and knows when and how it ended."""

    process: Any = None
    exit_code: int | None = None

    @property
    def has_process(self) -> bool:
        """Whether a kernel was started and not yet waited for."""
        return self.process is not None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Write the connection file and name the kernel's arguments."""
        manager = self.parent
        kwargs.pop("transport_encryption", None)
        extra = kwargs.pop("extra_arguments", None) or []
        manager.write_connection_file()
        self.connection_info = manager.get_connection_info()
        launch: dict[str, Any] = await super().pre_launch(
            cmd=["-f", manager.connection_file, *extra], **kwargs
        )
        return launch

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        """Fork."""
        log = kwargs.get("env", {}).get(LOG, os.devnull)
        arguments = (cmd, dict(kwargs.get("env") or os.environ), str(kwargs.get("cwd") or Path.cwd()), log)
        process = multiprocessing.get_context("forkserver").Process(
            target=warm.serve_kernel, args=arguments, daemon=True
        )
        with _CALLS:
            process.start()
        self.process = process
        return dict(self.connection_info)

    async def poll(self) -> int | None:
        """None while the kernel lives, else its exit code; negative is a signal."""
        if self.process is None:
            return 0 if self.exit_code is None else self.exit_code
        with _CALLS:
            self.exit_code = self.process.exitcode
        return self.exit_code

    async def wait(self) -> int | None:
        """Wait until the kernel has ended."""
        while self.process is not None and await self.poll() is None:
            await asyncio.sleep(0.02)
        self.process = None
        return self.exit_code

    async def send_signal(self, signum: int) -> None:
        """Signal the kernel and everything it started."""
        if self.process is None or await self.poll() is not None:
            return
        with suppress(ProcessLookupError):
            try:
                os.killpg(self.process.pid, signum)
            except PermissionError:  # before the fork has its own group
                os.kill(self.process.pid, signum)

    async def kill(self, restart: bool = False) -> None:  # noqa: ARG002 - Jupyter's signature
        """End the kernel at once."""
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:  # noqa: ARG002 - Jupyter's signature
        """Ask the kernel to end."""
        await self.send_signal(signal.SIGTERM)

    async def cleanup(self, restart: bool = False) -> None:
        """Nothing is kept beside the process."""

    def get_shutdown_wait_time(self, recommended: float = 5.0) -> float:
        """Seconds to wait for a polite end."""
        return min(recommended, _GRACE)

    @property
    def pid(self) -> int | None:
        """The kernel's process id."""
        return self.process.pid if self.process is not None else None


class WarmKernelClient(AsyncKernelClient):  # type: ignore[misc]  # Jupyter's class has no types here
    """Speaks with one page's kernel."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers and is heard to be idle.

        Jupyter's own way knows that nothing more comes by a fifth of a second of silence, page after page.
        """
        give_up = time.monotonic() + (timeout or float("inf"))
        while not await self._answers():
            if not await self.parent.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > give_up:
                raise RuntimeError(f"Kernel didn't respond in {timeout:.0f} seconds")

    async def _answers(self) -> bool:
        asked = self.kernel_info()
        try:
            while True:
                reply = await self.shell_channel.get_msg(timeout=1)
                if reply["parent_header"].get("msg_id") == asked:
                    break
            while True:  # what is told before somebody listens is lost, and asked for again
                told = await self.iopub_channel.get_msg(timeout=0.2)
                idle = told["content"].get("execution_state") == "idle"
                if idle and told["parent_header"].get("msg_id") == asked:
                    return True
        except Empty:
            return False


class WarmKernelManager(AsyncKernelManager):  # type: ignore[misc]  # Jupyter's class has no types here
    """Manages one page's kernel: over Unix sockets, forked where that is possible."""

    @property
    def kernel_spec(self) -> KernelSpec | None:
        """The notebook's own kernel specification, with our provisioner."""
        spec = super().kernel_spec
        if spec is not None and warm_available():
            spec.metadata = {**spec.metadata, "kernel_provisioner": {"provisioner_name": NAME}}
        return spec

    def connect_in(self, folder: Path, name: str) -> None:
        """Keep the connection's file, and its Unix sockets where kernels are forked, in a private folder."""
        self.connection_file = str(folder / f"{name}.json")
        if warm_available():
            self.transport = "ipc"
            self.ip = str(folder / name)

    @property
    def exit_code(self) -> int | None:
        """How the kernel ended, once it has."""
        process = getattr(self.provisioner, "process", None)
        code = getattr(self.provisioner, "exit_code", getattr(process, "returncode", None))
        return None if code is None else int(code)

    def peak_memory_mb(self) -> float:
        """Largest resident memory of the kernel so far; zero where the system does not tell."""
        with suppress(OSError, IndexError, ValueError):
            status = Path(f"/proc/{self.provisioner.pid}/status").read_text(encoding="utf-8")
            return int(status.partition("VmHWM:")[2].split()[0]) / 1024
        return 0.0


class KernelGroup:
    """The kernels of one run, so that a runner told to stop can stop them all."""

    def __init__(self) -> None:
        self._alive: set[WarmKernelManager] = set()
        self._stopped = False

    def add(self, manager: WarmKernelManager) -> None:
        """Note a kernel that has started; in a group already stopped it does not get far."""
        self._alive.add(manager)
        if self._stopped:
            self.stop()

    def remove(self, manager: WarmKernelManager) -> None:
        """Forget a kernel that its page has done with."""
        self._alive.discard(manager)

    def stop(self) -> None:
        """Kill every kernel; the pages in them fail at once."""
        self._stopped = True
        for manager in tuple(self._alive):
            with suppress(OSError, AttributeError, TypeError):
                os.killpg(manager.provisioner.pid, signal.SIGKILL)
