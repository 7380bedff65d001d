"""Kernels are found by Jupyter, forked where that is possible and started the ordinary way where not."""

from __future__ import annotations

import pytest
from jupyter_client.provisioning import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from crm_helpers.run import kernels
from crm_helpers.run.kernels import WarmKernelManager, WarmProvisioner


def test_jupyter_knows_the_provisioner_by_its_name():
    assert KernelProvisionerFactory.provisioners["crm-warm"].load() is WarmProvisioner


def test_the_notebooks_kernel_stays_python3_and_is_forked(tmp_path):
    manager = WarmKernelManager(kernel_name="python3")
    manager.connect_in(tmp_path, "01")
    assert manager.kernel_spec.metadata["kernel_provisioner"] == {"provisioner_name": "crm-warm"}
    assert (manager.transport, manager.ip) == ("ipc", str(tmp_path / "01"))


def test_without_a_fork_server_the_ordinary_kernel_runs_the_page(shop, monkeypatch):
    started = []
    launch = LocalProvisioner.launch_kernel

    async def counted(self, cmd, **kwargs):
        started.append(cmd)
        return await launch(self, cmd, **kwargs)

    monkeypatch.setattr(kernels, "warm_available", lambda: False)
    monkeypatch.setattr(LocalProvisioner, "launch_kernel", counted)
    shop.page("01_alpha", "one = 1")
    report = shop.run()
    assert report.good, report.failures
    assert len(started) == 1


@pytest.mark.parametrize("cell", ["1", "1 / 0", "import os; os._exit(1)"])
def test_nothing_is_left_in_the_temporary_folder(shop, monkeypatch, tmp_path_factory, cell):
    import tempfile

    folder = tmp_path_factory.mktemp("t")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    shop.page("01_alpha", cell)
    shop.run()
    assert list(folder.glob("crm-*")) == []
