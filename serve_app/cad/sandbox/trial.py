"""Tells what of the confinement this machine does not give, by confining a process that does nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from serve_app.cad.sandbox.confinement import confine
from serve_app.cad.sandbox.kernel import Gap

_SECONDS = 60


def missing_protection() -> list[str]:
    """A sentence for each part that is missing: what, its consequence, and the remedy. It takes a process, and some 50 ms."""
    command = [sys.executable, "-P", "-m", __name__]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        return [str(Gap(f"a process cannot be confined ({said[-1]})", "no CAD can be read", "tell the maintainers this line"))]
    return ended.stdout.splitlines()


if __name__ == "__main__":
    for gap in confine(Path(__file__).parent):
        print(gap)  # noqa: T201
