"""Takes from the parsing process what reading a CAD does not need, so that a fault in a reader stays in it."""

from __future__ import annotations

import contextlib
import math
import os
import resource
import site
import sys
from pathlib import Path
from typing import Any

_FORBIDDEN = (
    *("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "ssl."),
    *("subprocess.", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.fork", "os.startfile", "pty."),
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.chmod", "os.chown", "os.truncate", "shutil."),
    *("pickle.find_class", "os.kill", "os.putenv"),
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def limit_resources(memory: int, seconds: float) -> None:
    """Bound what this process may take, and let it be the first to go where the machine's memory ends.

    Args:
        memory: bytes of address space, and of the result that it may write.
        seconds: of CPU, also when nobody waits for it any more.
    """
    with contextlib.suppress(OSError):  # Not every system, or container, has it.
        Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds), math.ceil(seconds) + 1))


def confine(folder: Path) -> None:
    """Refuse, from here on, whatever Python code does beyond reading: no socket, no program, no change of a file.

    Files are opened only below ``folder``, the CAD's own, and where Python's modules lie. It cannot be undone.
    """
    sys.dont_write_bytecode = True
    modules = [sys.prefix, sys.base_prefix, sys.exec_prefix, *site.getsitepackages(), str(Path(__file__).parents[3])]
    roots = tuple(os.path.realpath(place) + os.sep for place in modules) + tuple(place + os.sep for place in modules)
    allowed = (*roots, str(folder) + os.sep, "/proc/self/fd/")

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writing = bool((flags or 0) & _WRITING) or (isinstance(mode, str) and not set(mode).isdisjoint("wax+"))
            if isinstance(path, int):
                return
            # By its text alone: what a link leads to is for those who open the file to see.
            if writing or not os.path.abspath(os.fsdecode(path)).startswith(allowed):  # noqa: PTH100
                raise PermissionError(None, "a CAD's reader may not open this file")
        elif event.startswith(_FORBIDDEN):
            raise PermissionError(None, f"a CAD's reader may not do this ({event})")

    sys.addaudithook(refuse)
