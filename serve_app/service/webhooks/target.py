"""A ``callback_url`` in its parts, taken apart once: what is checked is what is connected to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from serve_app.base.errors import ServiceError
from serve_app.base.host_list import address_of
from serve_app.jobs.request import CALLBACK_PATTERN

_URL = re.compile(CALLBACK_PATTERN)
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
        ServiceError: ``validation_error``.
    """
    match = _URL.fullmatch(url)
    port = match and match["port"]
    if match is None or (port and not 1 <= int(port) <= 65535):
        raise ServiceError(
            "validation_error", f"callback_url is no URL that can be called: {url[:80]!r}; see docs/events.md", "callback_url"
        )
    scheme, host, rest = match["scheme"], match["host"].lower().strip("[]"), match["rest"] or ""
    if ":" in host and address_of(host) is None:
        raise ServiceError("validation_error", f"callback_url names no host: {match['host'][:80]!r}", "callback_url")
    return Target(scheme, host, int(port) if port else _PORTS[scheme], rest if rest.startswith("/") else f"/{rest}")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
