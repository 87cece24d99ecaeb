"""The ``callback_url`` of a request, taken apart once: what is checked is what is connected to."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HOST = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9])?)"
_PORT = r"(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
_REST = r"([/?][A-Za-z0-9._~:/?@!$&'()*+,;=%-]*)?"

CALLBACK_PATTERN = f"^https?://{_HOST}{_PORT}{_REST}$"
"""What can be one: no user, no fragment, nothing that two programs take apart in two ways."""

_PARTS = re.compile(f"(https?)://{_HOST}{_PORT}{_REST}")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Target:
    """Where a webhook goes.

    Attributes:
        scheme: ``http`` or ``https``.
        host: a name or an address, in small letters, without brackets.
        port: the URL's, or the scheme's.
        path: with the query; begins with a slash.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as a header tells them."""
        return _bracketed(self.host) if self.port == _PORTS[self.scheme] else f"{_bracketed(self.host)}:{self.port}"

    def url_at(self, address: str) -> str:
        """The URL with an address in the place of the name."""
        return f"{self.scheme}://{_bracketed(address)}:{self.port}{self.path}"


def target_of(url: str) -> Target:
    """Take a URL apart.

    Raises:
        ValueError: it does not fit ``CALLBACK_PATTERN``.
    """
    parts = _PARTS.fullmatch(url)
    if parts is None:
        raise ValueError(f"no URL that can be called: {url[:80]!r}")
    scheme, host, _, _, port, rest = parts.groups()
    return Target(scheme, host.lower().strip("[]"), int(port or _PORTS[scheme]), rest if (rest or "").startswith("/") else f"/{rest or ''}")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
