"""Sets what Ray reads before any config, for every process of this environment, also for a plain ``serve run``.

Usage statistics are off: Ray sends them to the outside unless this says otherwise. Token authentication is on: whoever reaches an
open Ray port of a cluster without it runs code there. Both are defaults, so the environment still has the last word.
"""

from __future__ import annotations

import sysconfig
from pathlib import Path

LINE = "import os; os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0'); os.environ.setdefault('RAY_AUTH_MODE', 'token')\n"

if __name__ == "__main__":
    Path(sysconfig.get_path("purelib"), "render_server_ray.pth").write_text(LINE)
