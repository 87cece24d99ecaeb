"""A real Chromium for tests of the page, and what is watched while one is looked at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")

PATIENCE_MS = 40_000
"""Renderers, a browser that draws 3D by itself, and other tests share two cores."""

_ARGUMENTS = [
    # As root a browser has no sandbox of its own.
    *(
        "--no-sandbox",
        "--no-first-run",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ),
    *("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),  # WebGL without a GPU.
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser, or a skipped test; Playwright's own loop runs as long, so that no other test's may begin meanwhile."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """A page that is looked at in a fresh browser session, and what went wrong in it.

    Attributes:
        requested: addresses that it asked for.
        wrong: exceptions, violations of the content security policy, and messages of the console about errors.
    """

    page: Page
    requested: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def hosts(self) -> set[str]:
        """Whom it asked; what lies in the page itself (`blob:`) is nobody."""
        return {urlsplit(address).netloc for address in self.requested if address.startswith("http")}


def serious(page: Page) -> list[str]:
    """What axe-core finds that shuts people out."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in ("serious", "critical")]


@contextmanager
def visit(browser: Browser, url: str, **context: Any) -> Iterator[Visit]:
    """A visit in a session of its own, in English on a wide screen unless ``context`` says otherwise."""
    session: BrowserContext = browser.new_context(
        **{"base_url": url, "locale": "en-US", "viewport": {"width": 1400, "height": 900}, "accept_downloads": True, **context}
    )
    page = session.new_page()
    page.set_default_timeout(PATIENCE_MS)
    seen = Visit(page)
    page.on("request", lambda request: seen.requested.append(request.url))
    page.on("pageerror", lambda error: seen.wrong.append(str(error)))
    page.on("console", lambda message: seen.wrong.append(message.text) if message.type == "error" else None)
    try:
        yield seen
    finally:
        session.close()
