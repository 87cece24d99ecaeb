"""One server to hurt, for the faults that need none of their own; it is gone before the tests of the disks start theirs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.fault_server import FaultServer

VIEW_TIMEOUT_SEC = 15


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultServer]:
    """A server with two renderers, one of them ready."""
    limits = {
        "RENDER_VIEW_TIMEOUT_SEC": str(VIEW_TIMEOUT_SEC),
        "RENDER_QUARANTINE_SEC": "600",
        "RENDER_CANCEL_GRACE_SEC": "2",
        "RENDER_DRAIN_GRACE_SEC": "5",
    }
    fault_server = FaultServer(
        tmp_path_factory.mktemp("faults"),
        {**limits, "RENDER_WEBHOOK_HOSTS": "127.0.0.1", "RENDER_WEBHOOK_SECRET": "a secret of the fault tests"},
        {"renderer_memory_bytes": 2 * 1024**3, "recycle_after_jobs": 8},
    )
    try:
        fault_server.start()
        yield fault_server
        fault_server.audit(everything=True)
    finally:
        fault_server.stop()
