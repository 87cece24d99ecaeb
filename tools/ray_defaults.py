"""Sets what Ray reads before any config, for every process of this environment, also for a plain ``serve run``.

Usage statistics are off: Ray sends them to the outside unless this says otherwise. Token authentication is on: whoever reaches an
open Ray port of a cluster without it runs code there. Lines of the server's processes reach the console as they are, without a name
before each: they have one, and a JSON line stays one. gRPC's lines are left out where they are no errors, and Serve's controller keeps
what it does at each start out of the console. All are defaults, so the environment still has the last word.
"""

from __future__ import annotations

import sysconfig
from pathlib import Path

DEFAULTS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_DISABLE_WORKER_LOG_PREFIX": "1",
    "GRPC_VERBOSITY": "ERROR",
    "RAY_SERVE_CONTROLLER_CALLBACK_IMPORT_PATH": "serve_app.base.serve_logs:keep_console_short",
}
LINE = f"import os; [os.environ.setdefault(*default) for default in {list(DEFAULTS.items())}]\n"

if __name__ == "__main__":
    Path(sysconfig.get_path("purelib"), "render_server_ray.pth").write_text(LINE)
