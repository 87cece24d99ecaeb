"""The page of a server that wants a key: it asks once, and the key goes nowhere but into the header of requests to this server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.chromium import chromium, visit
from tests.integration.conftest import Server
from tests.integration.security.conftest import API_KEY


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def test_the_page_asks_for_the_key_once_and_keeps_it_to_itself(browser: Browser, locked_server: Server) -> None:
    with visit(browser, locked_server.url) as seen:
        page = seen.page
        page.goto("?view=jobs")
        dialog = page.locator("dialog.key")
        expect(dialog).to_be_visible()
        dialog.locator("input").fill("a wrong one")
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text("did not accept")
        dialog.locator("input").fill(API_KEY)
        page.keyboard.press("Enter")
        expect(page.locator(".virtual:not([hidden]), .empty:not([hidden])")).to_be_visible()
        expect(page.locator(".glance > button")).to_contain_text("renderer")
        page.reload()
        expect(page.locator(".virtual:not([hidden]), .empty:not([hidden])")).to_be_visible()
        assert not dialog.count()
        kept = page.evaluate("[JSON.stringify(localStorage), document.cookie, location.href, document.documentElement.outerHTML]")
        assert not any(API_KEY in text for text in kept) and not any("key%2C" in url or API_KEY in url for url in seen.requested)
        with visit(browser, locked_server.url) as other:  # Another session is asked again.
            other.page.goto("?view=jobs")
            expect(other.page.locator("dialog.key")).to_be_visible()
    assert API_KEY not in (locked_server.folder / "server.log").read_text()
