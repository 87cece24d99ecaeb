"""A client of a server on loopback."""

from __future__ import annotations

import httpx


def http_client(url: str, timeout_sec: float) -> httpx.Client:
    """An HTTP client that costs nothing to make: tests make one for each question.

    One that is ready for TLS reads all certificates first: 30 ms of a core, which a test that polls takes from the renderers.
    """
    assert url.startswith("http://")
    return httpx.Client(base_url=url, timeout=timeout_sec, trust_env=False, verify=False)
