"""A list of hosts that the server may connect to, as an operator writes it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAME = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_PORT = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^:\[\]]+)(:(?P<port>[0-9]{1,5}))?")

_NEVER_PUBLIC = frozenset({ipaddress.ip_address("168.63.129.16")})
"""Azure's own service of each virtual machine: an address that looks like any other."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class _Entry:
    """One entry of the list: a name or a network, and a port or any."""

    name: str | None
    network: Network | None
    port: int | None


class HostList:
    """Names, ``*.domains``, addresses and networks, each with or without a port.

    A name leads to public addresses alone, whoever answers for it: an address inside must itself be in the list.

    Args:
        entries: such as ``hooks.example.com``, ``*.example.com``, ``hooks.example.com:8443``, ``10.20.0.7``, ``10.20.0.0/16``,
            ``[fd00::7]:8080``.

    Raises:
        ValueError: one is none of these.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self._entries = [_entry(text) for text in entries]

    def __bool__(self) -> bool:
        return bool(self._entries)

    def has(self, host: str, port: int) -> bool:
        """Whether a host may be named.

        Args:
            host: a name or an address, without brackets, in small letters.
            port: of it.
        """
        address = address_of(host)
        if address is not None:
            return self._has_address(address, port)
        return any(_is_name(entry, host) and entry.port in (None, port) for entry in self._entries)

    def may_connect(self, address: Address, port: int) -> bool:
        """Whether an address may be connected to, by whatever name it was found: it is public, or in the list itself."""
        return is_public(address) or self._has_address(address, port)

    def _has_address(self, address: Address, port: int) -> bool:
        address = embedded(address)
        return any(entry.network is not None and address in entry.network and entry.port in (None, port) for entry in self._entries)


def address_of(host: str) -> Address | None:
    """A host as an address, or None where it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 address only wraps, or the address."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.sixtofour or address
    return address


def is_public(address: Address) -> bool:
    """Whether an address is one of the internet's: not this machine's, its network's, nor that of a cloud's metadata."""
    address = embedded(address)
    return address.is_global and not address.is_multicast and address not in _NEVER_PUBLIC


def _is_name(entry: _Entry, host: str) -> bool:
    if entry.name is None:
        return False
    return host.endswith(entry.name[1:]) if entry.name.startswith("*") else host == entry.name


def _entry(text: str) -> _Entry:
    lowered = text.lower()
    try:
        return _Entry(None, ipaddress.ip_network(lowered), None)
    except ValueError:
        pass
    match = _PORT.fullmatch(lowered)
    port = int(match["port"]) if match is not None and match["port"] else None
    if match is None or (port is not None and not 1 <= port <= 65535):
        raise _wrong(text)
    host = match["host"].strip("[]")
    if (address := address_of(host)) is not None:
        return _Entry(None, ipaddress.ip_network(address), port)
    if not _NAME.fullmatch(host) or host.replace(".", "").isdigit():
        raise _wrong(text)
    return _Entry(host, None, port)


def _wrong(text: str) -> ValueError:
    return ValueError(
        f"takes hosts such as hooks.example.com, *.example.com, hooks.example.com:8443, 10.20.0.7 and 10.20.0.0/16, not {text!r}"
    )
