"""How much CPU time a container has, where that is less than the cores that it sees."""

from __future__ import annotations

from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


def cpu_quota(cgroups: Path = _CGROUPS) -> float | None:
    """Cores' worth of CPU time that this process's container may use, or None where there is no limit.

    Args:
        cgroups: where the kernel tells it; of either version of control groups.
    """
    try:
        if (cgroups / "cpu.max").exists():
            quota, period = (cgroups / "cpu.max").read_text().split()
        else:
            quota, period = ((cgroups / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return int(quota) / int(period) if int(quota) > 0 else None  # -1 is no limit; so is `max`, which is no number.
    except (OSError, ValueError, ZeroDivisionError):
        return None
