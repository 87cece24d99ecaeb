"""Servers for the tests of a job's work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from serve_app.base.settings import Settings
from tests.unit.serve_app.rendering.job_server import Server, restarted


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    """Servers that came one after another; a test adds them."""
    made: list[Server] = []
    yield made
    made[-1].store.close()


@pytest.fixture
def server(servers: list[Server], settings: Settings) -> Server:
    return restarted(servers, settings)
