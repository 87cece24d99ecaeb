"""Calls to the kernel that Python has no function for, and what to say where it refuses them."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass

_PR_SET_NO_NEW_PRIVS = 38

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


@dataclass(frozen=True)
class Gap:
    """A part of the confinement that this kernel, or the container that we run in, does not give.

    Attributes:
        what: is missing, and why.
        consequence: of that.
        remedy: what an operator can do about it.
    """

    what: str
    consequence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}: {self.consequence}; {self.remedy}"


def system_call(number: int, *arguments: int | bytes | None) -> int:
    """Make a system call.

    Args:
        number: of the call, on this machine.
        *arguments: numbers, and memory that is handed over by its address.

    Raises:
        OSError: the kernel's.
    """
    # A number fills its register: ctypes would pass an int as 32 bits, and leave the other half as it is.
    words = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    result: int = _libc.syscall(ctypes.c_long(number), *words)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def set_no_new_privileges() -> None:
    """Give up, for good, what set-user-id programs would give; the kernel asks for that before it takes rules from a process.

    Raises:
        OSError: the kernel's.
    """
    if _libc.prctl(_PR_SET_NO_NEW_PRIVS, *(ctypes.c_ulong(value) for value in (1, 0, 0, 0))):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
