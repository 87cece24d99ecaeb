"""A server whose renderers are stubs (``bench/stub_renderer.py``): many fit a small machine, and the server itself is what limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.server import BenchServer

_CPUS = 0.001
"""Of each shell and each stub, in Ray's books: hundreds fit two cores."""


def stub_application(seconds_a_view: float, **args: Any) -> dict[str, Any]:
    """What the Serve config of such a server says of the application.

    Args:
        seconds_a_view: that a stub sleeps for a view.
        args: more of the application's.
    """
    own = {"cpus_per_renderer": _CPUS, "shell_cpus": _CPUS, "stub_seconds_a_view": seconds_a_view}
    return {"import_path": "bench.stub_app:build", "args": {**own, **args}}


def stub_server(
    folder: Path, cads: Path, stubs: int, seconds_a_view: float, environment: dict[str, str] | None = None, **args: Any
) -> BenchServer:
    """A server with a fixed number of stubs, all ready.

    Args:
        folder: for its files.
        cads: folder of the CADs.
        stubs: how many.
        seconds_a_view: that each sleeps for a view.
        environment: more settings.
        args: more of the application's.
    """
    return BenchServer(folder, cads, stubs, 0, 0, environment, stub_application(seconds_a_view, **args))
