"""``RENDER_API_KEY``: the bytes that a client sends, and the warning of a server that has none."""

from __future__ import annotations

import ipaddress

from pydantic import SecretStr

NO_KEY = (
    "ANYONE WHO REACHES THIS SERVER MAY USE IT: it listens beyond this machine and RENDER_API_KEY is not set. "
    "Set RENDER_API_KEY, or listen on 127.0.0.1."
)


class UnusableKeyError(ValueError):
    """``RENDER_API_KEY`` is one that no client could send. The message never shows it."""


def is_loopback(host: str | None) -> bool:
    """Whether only this machine reaches a server that listens there; a name that is no address counts as reachable."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def key_bytes(key: SecretStr) -> bytes:
    """The key as it comes in a header.

    Raises:
        UnusableKeyError: no header can hold it.
    """
    text = key.get_secret_value().strip()
    if not text or any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise UnusableKeyError("RENDER_API_KEY is blank or holds control characters, which no HTTP header can carry; choose another key")
    # A variable that is not UTF-8 comes as surrogates: back to the bytes that it had.
    return text.encode("utf-8", "surrogateescape")
