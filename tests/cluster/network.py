"""A network of the test's own: a switch and machines, each a network namespace with one address; nothing of the real network is touched."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
_SUBNET = "10.213.7"


def _can_make() -> bool:
    """Whether this process may make namespaces, links between them, and mounts: root in a container often may not."""
    if os.geteuid() != 0 or any(shutil.which(tool) is None for tool in ("ip", "unshare", "mount")):
        return False
    probe = f"rs{os.getpid()}-probe"
    tries = (
        ["ip", "netns", "add", probe],
        ["ip", "-n", probe, "link", "add", "name", "b", "type", "bridge"],
        ["ip", "-n", probe, "link", "add", "name", "v", "type", "veth", "peer", "name", "w"],
        ["ip", "netns", "exec", probe, "unshare", "--mount", "--pid", "--fork", "--mount-proc", "mount", "--bind", "/mnt", "/mnt"],
    )
    try:
        return all(subprocess.run(command, capture_output=True, check=False).returncode == 0 for command in tries)
    finally:
        subprocess.run(["ip", "netns", "delete", probe], capture_output=True, check=False)


needs_namespaces = pytest.mark.skipif(
    not _can_make(), reason="machines of the test's own need root, CAP_NET_ADMIN and CAP_SYS_ADMIN, and iproute2 and util-linux"
)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"


class Network:
    """A switch in a namespace of its own; ``close`` takes it and all machines away."""

    def __init__(self) -> None:
        self._prefix = f"rs{os.getpid()}"
        self._names: list[str] = []
        self._switch = self._namespace("switch")
        _ip("-n", self._switch, "link", "add", "name", "switch", "type", "bridge")
        _ip("-n", self._switch, "link", "set", "dev", "switch", "up")

    def _namespace(self, name: str) -> str:
        namespace = f"{self._prefix}-{name}"
        _ip("netns", "add", namespace)
        self._names.append(namespace)
        return namespace

    def attach(self, name: str) -> tuple[str, str]:
        """A machine on the switch.

        Returns:
            Its namespace and its address.
        """
        namespace, address = self._namespace(name), f"{_SUBNET}.{len(self._names)}"
        _ip("-n", self._switch, "link", "add", "name", name, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        _ip("-n", self._switch, "link", "set", "dev", name, "master", "switch", "up")
        _ip("-n", namespace, "address", "add", f"{address}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            _ip("-n", namespace, "link", "set", "dev", link, "up")
        # Ray asks which address the way out of the machine has.
        _ip("-n", namespace, "route", "add", "default", "via", f"{_SUBNET}.254")
        return namespace, address

    def cut(self, name: str) -> None:
        """Pull a machine's cable."""
        _ip("-n", self._switch, "link", "set", "dev", name, "down")

    def heal(self, name: str) -> None:
        """Put it back."""
        _ip("-n", self._switch, "link", "set", "dev", name, "up")

    def close(self) -> None:
        """Take everything away."""
        for namespace in self._names:
            subprocess.run(["ip", "netns", "delete", namespace], capture_output=True, check=False)
        self._names.clear()


@contextlib.contextmanager
def standing_in(namespace: str) -> Iterator[None]:
    """Have this thread, and what it starts, use the network of a machine."""
    with Path("/proc/thread-self/ns/net").open() as home, Path("/run/netns", namespace).open() as there:
        _enter(there.fileno())
        try:
            yield
        finally:
            _enter(home.fileno())


def _enter(descriptor: int) -> None:
    if _LIBC.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
