"""What a fault in native code could try: made in C, by way of libc, where no Python hook sees it.

``python -m tests.unit.serve_app.cad.sandbox.native_attempts NAME FOLDER free|confined`` says ``done``, or the errno's name.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from serve_app.cad.sandbox.confinement import confine

libc = ctypes.CDLL(None, use_errno=True)

PROCESS_VM_READV = {"x86_64": 310, "aarch64": 270}[os.uname().machine]
CLONE = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
PTRACE_SEIZE, RLIMIT_NOFILE = 0x4206, 7


class RefusedError(Exception):
    """A call failed, with an errno."""


def c(result: int) -> int:
    if result < 0:
        raise RefusedError(errno.errorcode[ctypes.get_errno()])
    return result


class Attempts:
    """All of them; made before the process is confined.

    Args:
        folder: the CAD's, with ``cad.ply`` in it.
    """

    def __init__(self, folder: Path) -> None:
        self._cad, self._new = bytes(folder / "cad.ply"), bytes(folder / "new")
        self._outside = bytes(folder.parent / "outside")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._socket = socket.socket()
        # It waits for the end of this process, so that it need not be ended.
        self._victim = subprocess.Popen(["cat"], stdin=subprocess.PIPE).pid

    def _open(self, path: bytes, flags: int = os.O_RDONLY) -> int:
        return c(libc.open(path, flags, 0o600))

    def read_passwd(self) -> None:
        self._open(b"/etc/passwd")

    def list_root(self) -> None:
        self._open(b"/", os.O_RDONLY | os.O_DIRECTORY)

    def read_outside(self) -> None:
        self._open(self._outside)

    def write_cad(self) -> None:
        self._open(self._cad, os.O_WRONLY)

    def truncate_cad(self) -> None:
        c(libc.truncate(self._cad, ctypes.c_long(0)))

    def make_file(self) -> None:
        self._open(self._new, os.O_WRONLY | os.O_CREAT)

    def make_file_in_shared_memory(self) -> None:
        name = f"/native-attempt-{os.getpid()}".encode()
        c(ctypes.CDLL("librt.so.1", use_errno=True).shm_open(name, os.O_RDWR | os.O_CREAT, 0o600))
        libc.shm_unlink(name)

    def make_folder(self) -> None:
        c(libc.mkdir(self._new, 0o700))

    def unlink(self) -> None:
        c(libc.unlink(self._cad))

    def rename(self) -> None:
        c(libc.rename(self._cad, self._new))

    def link(self) -> None:
        c(libc.link(self._cad, self._new))

    def symlink(self) -> None:
        c(libc.symlink(b"/etc/passwd", self._new))

    def chmod(self) -> None:
        c(libc.chmod(self._cad, 0o777))

    def socket(self) -> None:
        c(libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0))

    def unix_socket(self) -> None:
        c(libc.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0))

    def connect(self) -> None:
        address = self._listener.getsockname()
        # struct sockaddr_in: family, then port and address in network order.
        data = socket.AF_INET.to_bytes(2, sys.byteorder) + address[1].to_bytes(2, "big") + bytes([127, 0, 0, 1]) + bytes(8)
        c(libc.connect(self._socket.fileno(), data, len(data)))

    def fork(self) -> None:
        if not c(libc.fork()):
            os._exit(0)

    def fork_by_clone(self) -> None:
        if not c(libc.syscall(CLONE, ctypes.c_long(signal.SIGCHLD), None, None, None, None)):
            os._exit(0)

    def execve(self) -> None:
        # It writes what this process would have written.
        words = (ctypes.c_char_p * 3)(b"echo", b"done", None)
        c(libc.execve(b"/bin/echo", words, (ctypes.c_char_p * 1)(None)))

    def kill(self) -> None:
        c(libc.kill(self._victim, 0))

    def read_environ(self) -> None:
        self._open(f"/proc/{self._victim}/environ".encode())

    def read_own_environ(self) -> None:
        self._open(b"/proc/self/environ")

    def read_memory(self) -> None:
        self._open(f"/proc/{self._victim}/mem".encode())

    def read_memory_by_call(self) -> None:
        c(libc.syscall(PROCESS_VM_READV, ctypes.c_long(self._victim), None, ctypes.c_long(0), None, ctypes.c_long(0), ctypes.c_long(0)))

    def ptrace(self) -> None:
        c(libc.ptrace(PTRACE_SEIZE, self._victim, None, None))

    def limit_another(self) -> None:
        c(libc.prlimit(self._victim, RLIMIT_NOFILE, None, ctypes.create_string_buffer(16)))


ATTEMPTS = [name for name in vars(Attempts) if not name.startswith("_")]


def main(name: str, folder: str, state: str) -> None:
    attempt: Callable[[], None] = getattr(Attempts(Path(folder)), name)
    if state == "confined":
        confine(Path(folder))
    try:
        attempt()
        said = "done"
    except RefusedError as error:
        said = str(error)
    sys.stdout.write(said + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
