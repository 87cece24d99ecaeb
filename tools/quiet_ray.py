"""Turns Ray's usage statistics off for every process of this environment, also for a plain ``serve run``.

Ray sends them to the outside unless this variable says otherwise, and it reads it before any config.
"""

from __future__ import annotations

import sysconfig
from pathlib import Path

LINE = "import os; os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')\n"

if __name__ == "__main__":
    Path(sysconfig.get_path("purelib"), "render_server_quiet_ray.pth").write_text(LINE)
