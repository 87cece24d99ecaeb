"""seccomp: from here on the kernel refuses this process the system calls that no reader of CADs needs, whatever code makes them.

They fail with EPERM, as if the user lacked a right: readers and libraries then say what they could not do, where a kill
would leave no message. See ``seccomp(2)``; the program is classic BPF, two instructions for each call.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

from serve_app.cad.sandbox.kernel import Gap, system_call
from serve_app.cad.sandbox.system_calls import AARCH64, CLONE, CLONE3, DENIED, NEWEST_KNOWN, PRLIMIT64, SECCOMP, TGKILL, X86_64

MACHINES = {"x86_64": (X86_64, 0xC000003E), "aarch64": (AARCH64, 0xC00000B7)}
"""Column of the tables, and AUDIT_ARCH of ``linux/audit.h``."""

_LOAD, _IF_EQUAL, _IF_ABOVE, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16
"""Offsets in ``struct seccomp_data``; of the argument the lower half, which is first on both machines."""

_ALLOW = 0x7FFF0000
_FAIL = 0x00050000
"""With an errno added."""

_SET_MODE_FILTER = 1
_CLONE_THREAD = 0x10000

_CONSEQUENCE = (
    "a fault in native code that reads CADs could start programs, open sockets and signal the server, unless Landlock keeps it from that"
)
_REFUSED = {
    errno.ENOSYS: "use a kernel that is built with CONFIG_SECCOMP_FILTER",
    errno.EINVAL: "use a kernel that is built with CONFIG_SECCOMP_FILTER",
    errno.EPERM: "let the container's seccomp profile pass the system call seccomp, as those of current Docker and containerd do",
}


def restrict_calls() -> Gap | None:
    """Refuse the calls of ``system_calls`` to this thread and all that it starts: threads, but no processes.

    It cannot be undone. ``set_no_new_privileges`` comes first.

    Returns:
        What the machine does not give, if anything.

    Raises:
        OSError: it has seccomp, and still it refused.
    """
    machine = os.uname().machine
    if machine not in MACHINES or sys.maxsize < 2**32:
        return Gap(f"no seccomp filter, since there is none for {machine}", _CONSEQUENCE, "run the server on x86_64 or aarch64")
    column, architecture = MACHINES[machine]
    program = filter_program(column, architecture, os.getpid())
    memory = ctypes.create_string_buffer(program, len(program))
    try:
        system_call(SECCOMP[column], _SET_MODE_FILTER, 0, struct.pack("@HP", len(program) // 8, ctypes.addressof(memory)))
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        return Gap(
            f"no seccomp filter, since the kernel or the container refuses it ({error.strerror})", _CONSEQUENCE, _REFUSED[error.errno]
        )
    return None


def filter_program(column: int, architecture: int, pid: int) -> bytes:
    """The program that the kernel runs at each system call.

    Args:
        column: of the machine, in the tables of ``system_calls``.
        architecture: its AUDIT_ARCH; a call that is made in the form of another, as by 32-bit code, fails.
        pid: of this process.

    Returns:
        ``struct sock_filter`` after ``struct sock_filter``, 8 bytes each.
    """
    refuse, unknown = _step(_RETURN, _FAIL + errno.EPERM), _step(_RETURN, _FAIL + errno.ENOSYS)
    allow = _step(_RETURN, _ALLOW)
    steps = [
        _step(_LOAD, _MACHINE),
        *(_step(_IF_EQUAL, architecture, 1, 0), refuse),
        _step(_LOAD, _NUMBER),
        # Calls of the x32 form have higher numbers yet.
        *(_step(_IF_ABOVE, NEWEST_KNOWN, 0, 1), unknown),
        # Its flags lie in memory, where no filter can look; libraries that find it missing use clone.
        *(_step(_IF_EQUAL, CLONE3[column], 0, 1), unknown),
    ]
    for numbers in DENIED.values():
        if (number := numbers[column]) is not None:
            steps += [_step(_IF_EQUAL, number, 0, 1), refuse]
    argument = _step(_LOAD, _FIRST_ARGUMENT)
    threads_only = [argument, _step(_IF_ANY_BIT, _CLONE_THREAD, 1, 0), refuse, allow]
    itself_only = [argument, _step(_IF_EQUAL, pid, 1, 0), refuse, allow]  # How abort() ends a process.
    own_limits_only = [argument, _step(_IF_EQUAL, 0, 2, 0), _step(_IF_EQUAL, pid, 1, 0), refuse, allow]
    for call, then in ((CLONE, threads_only), (TGKILL, itself_only), (PRLIMIT64, own_limits_only)):
        steps += [_step(_IF_EQUAL, call[column], 0, len(then)), *then]
    return b"".join([*steps, allow])


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One ``struct sock_filter``; the last two are how many steps to skip."""
    return struct.pack("=HBBI", code, if_true, if_false, value)
