"""Takes from the parsing process what reading a CAD does not need, so that a fault in a reader stays in it."""

from __future__ import annotations

import contextlib
import math
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from serve_app.cad.sandbox.kernel import Gap, set_no_new_privileges
from serve_app.cad.sandbox.landlock import Place, restrict_files
from serve_app.cad.sandbox.seccomp import restrict_calls

_FORBIDDEN = (
    *("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "ssl."),
    *("subprocess.", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.fork", "os.startfile", "pty."),
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.chmod", "os.chown", "os.truncate", "shutil."),
    *("pickle.find_class", "os.kill"),
)
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
"""Where the loader finds the system's shared libraries."""

_OPEN_FILES = 128

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
    # Files in memory are no address space: as few as this bound them.
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds), math.ceil(seconds) + 1))


def confine(folder: Path) -> tuple[Gap, ...]:
    """Take from this process, for good, whatever reading a CAD does not need.

    Three walls, one behind the other. Landlock: files are opened only below ``folder``, the CAD's own, and where Python, its modules
    and shared libraries lie, and nothing is written; no TCP, no signals. seccomp: no programs, processes and sockets. Both hold for
    native code, too. An audit hook, for Python code alone, has the clearer messages, and holds on every kernel.

    Modules may be imported afterwards as before.

    Returns:
        What the kernel does not give.

    Raises:
        RuntimeError: there are other threads, which would stay free.
    """
    if len(os.listdir("/proc/self/task")) > 1:
        raise RuntimeError("a process is confined before it starts threads")
    sys.dont_write_bytecode = True
    places = [Place(str(folder)), *_code(), Place("/dev/urandom"), Place("/dev/null", writable=True)]
    set_no_new_privileges()
    gaps = (restrict_files(places), restrict_calls())
    _watch(tuple(place.path + os.sep for place in places))
    return tuple(gap for gap in gaps if gap is not None)


def _code() -> Iterator[Place]:
    """Where modules and shared libraries lie."""
    packages = Path(__file__).parents[2]
    modules = [packages, packages.with_name("render_actor"), Path(os.__file__).parent, *map(Path, sys.path)]
    libraries = [Path(prefix, "lib") for prefix in (sys.base_prefix, sys.base_exec_prefix)]
    libraries += [Path(place) for place in (*_LIBRARIES, *os.environ.get("LD_LIBRARY_PATH", "").split(":"))]
    folders = [place for place in (*modules, *libraries) if place.is_absolute()]
    # By the text that they are asked for, and by the place that it leads to.
    yield from (Place(path) for path in dict.fromkeys([*map(str, folders), *map(os.path.realpath, folders)]))
    yield Place("/etc/ld.so.cache")


def _watch(allowed: tuple[str, ...]) -> None:
    """Have Python refuse what ``_FORBIDDEN`` names, and to open files that do not lie below these places."""

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writing = bool((flags or 0) & _WRITING) or (isinstance(mode, str) and not set(mode).isdisjoint("wax+"))
            if isinstance(path, int):
                return
            # By its text alone: what a link leads to is for those who open the file to see.
            if writing or not os.path.abspath(os.fsdecode(path)).startswith((*allowed, "/proc/self/fd/")):  # noqa: PTH100
                raise PermissionError(None, "a CAD's reader may not open this file")
        elif event.startswith(_FORBIDDEN):
            raise PermissionError(None, f"a CAD's reader may not do this ({event})")

    sys.addaudithook(refuse)
