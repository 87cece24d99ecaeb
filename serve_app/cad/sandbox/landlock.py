"""Landlock: from here on this process opens files only where it is allowed to, whatever code it runs.

See ``landlock(7)``. A file that is open already stays open, and a ``memfd`` can be opened anew by ``/proc/self/fd/N``:
it lies in no file system that has a place.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from serve_app.cad.sandbox.kernel import Gap, system_call

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""Numbers of the calls, on every machine."""

_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights to a file the kernel knows, by the first ABI that has them: all of them are taken away."""

_TCP_ABI, _TCP = 4, 0b11
"""bind and connect."""
_SCOPE_ABI, _SCOPES = 6, 0b11
"""Abstract sockets of other processes, and signals to them."""

_CONSEQUENCE = "a fault in native code that reads CADs could read and write whatever the server's user may, not the CAD's folder alone"
_REFUSED = {
    errno.ENOSYS: ("the kernel has none", "use Linux 5.13 or later, built with CONFIG_SECURITY_LANDLOCK"),
    errno.EOPNOTSUPP: ("it is switched off", "add landlock to the lsm= list of the kernel's command line"),
    errno.EPERM: (
        "the container's seccomp profile refuses it",
        "let the profile pass landlock_create_ruleset, landlock_add_rule and landlock_restrict_self, "
        "as those of current Docker and containerd do",
    ),
}


@dataclass(frozen=True)
class Place:
    """A file, or a folder with all below it, that may be opened.

    Attributes:
        path: one that is not there allows nothing.
        writable: whether for writing, too; a file alone.
    """

    path: str
    writable: bool = False


def landlock_abi() -> int:
    """Version of the kernel's Landlock.

    Raises:
        OSError: there is none to be had.
    """
    return system_call(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)


def restrict_files(places: Iterable[Place]) -> Gap | None:
    """Keep this thread, and all that it starts, to some places; to no TCP, no signal and no abstract socket, where the kernel can.

    It cannot be undone. ``set_no_new_privileges`` comes first.

    Returns:
        What the kernel does not give, if anything.

    Raises:
        OSError: it has Landlock, and still it refused.
    """
    try:
        abi = landlock_abi()
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        reason, remedy = _REFUSED[error.errno]
        return Gap(f"no Landlock, since {reason}", _CONSEQUENCE, remedy)
    files = (1 << max(count for since, count in _FILE_RIGHTS.items() if since <= abi)) - 1
    rights = [files, *([_TCP] if abi >= _TCP_ABI else []), *([_SCOPES] if abi >= _SCOPE_ABI else [])]
    attributes = struct.pack(f"={len(rights)}Q", *rights)
    ruleset = system_call(_CREATE_RULESET, attributes, len(attributes), 0)
    try:
        for place in places:
            _allow(ruleset, place)
        system_call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return None if abi >= _SCOPE_ABI else _older(abi)


def _allow(ruleset: int, place: Place) -> None:
    try:
        handle = os.open(place.path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    try:
        rights = _READ_FILE | (_READ_DIR if stat.S_ISDIR(os.fstat(handle).st_mode) else 0) | (_WRITE_FILE if place.writable else 0)
        system_call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, struct.pack("=Qi", rights, handle), 0)
    finally:
        os.close(handle)


def _older(abi: int) -> Gap:
    lacks = "signals and abstract sockets" if abi >= _TCP_ABI else "TCP, signals and abstract sockets"
    return Gap(
        f"Landlock of an older kernel (ABI {abi})",
        f"{lacks} are kept from native code that reads CADs by seccomp alone",
        f"use Linux 6.12 or later, which has ABI {_SCOPE_ABI}",
    )
