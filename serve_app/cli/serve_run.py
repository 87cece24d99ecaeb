"""``serve run`` on a Ray of its own with a metrics port of our choice: Serve's command starts Ray itself, and has no flag for that.

``python -m serve_app.cli.serve_run CONFIG METRICS_PORT``; with port 0 Ray chooses one.
"""

from __future__ import annotations

import sys

import ray
from ray.serve.scripts import cli as serve_command

_SERVE_NAMESPACE = "serve"


def main() -> None:
    """Start Ray, and have Serve run a config on it until this process is told to stop."""
    config, metrics_port = sys.argv[1:]
    ray.init(address="local", namespace=_SERVE_NAMESPACE, _metrics_export_port=int(metrics_port))
    # `auto`: the Ray that was just started. Without it, the command says that RAY_ADDRESS names another one.
    serve_command(["run", config, "--address", "auto"])


if __name__ == "__main__":
    main()
