"""Makes the kernel refuse a system call to this process and its children, as an older kernel or a container's seccomp profile does."""

from __future__ import annotations

import ctypes
import os
import struct

from serve_app.cad.sandbox.kernel import set_no_new_privileges, system_call
from serve_app.cad.sandbox.seccomp import MACHINES
from serve_app.cad.sandbox.system_calls import SECCOMP

LANDLOCK_CREATE_RULESET = 444
SECCOMP_HERE = SECCOMP[MACHINES[os.uname().machine][0]] if os.uname().machine in MACHINES else -1


def refuse_call(number: int, error: int) -> None:
    """Have a call fail from here on.

    Args:
        number: of the call.
        error: the errno that it fails with.
    """
    # Load the number; is it this one?; fail; allow.
    steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x50000 + error), (0x06, 0, 0, 0x7FFF0000)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    set_no_new_privileges()
    system_call(SECCOMP_HERE, 1, 0, struct.pack("@HP", len(steps), ctypes.addressof(program)))
