"""The page that describes the requests."""

from __future__ import annotations

import re

from serve_app.base.settings import Settings
from tests.unit.serve_app.http.fake_server import api, client


async def test_the_docs_load_nothing_from_elsewhere(settings: Settings) -> None:
    async with client(api(settings)) as http:
        page = await http.get("/docs")
        assert "://" not in page.text
        for name in re.findall(r'(?:src|href)="([^"]+)"', page.text):
            assert (await http.get("/" + name)).status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self' 'sha256-" in policy and "unsafe-inline" not in policy.split("style-src")[0] and "http" not in policy
