"""The page of a server that wants a key: it asks once, and the key goes nowhere but into the header of requests to this server."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.chromium import chromium, serious, visit
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
        assert not serious(page)
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


def test_a_browsers_download_goes_to_disk_with_a_ticket_and_without_the_key(browser: Browser, locked_server: Server) -> None:
    body = {"cad_path": str(locked_server.folder / "flange.stl"), "output_dir": str(locked_server.folder / "out"), "resolution": 64}
    body["camera_poses_path"] = str(locked_server.folder / "one_pose.npy")
    with locked_server.http() as http:
        put = http.put("/api/v1/jobs/to-download", params={"wait": "true"}, json=body, headers={"X-API-Key": API_KEY})
        assert put.json()["status"] == "succeeded", put.text
    with visit(browser, locked_server.url) as seen:
        page = seen.page
        page.goto("?job=to-download")
        page.locator("dialog.key input").fill(API_KEY)
        page.keyboard.press("Enter")
        with page.expect_download() as begun:
            page.click(".use .button.primary")
        path = begun.value.path()
        assert "templates/rgb_0.png" in zipfile.ZipFile(path).namelist()
        (ticket,) = page.context.cookies(f"{locked_server.url}/api/v1/jobs/to-download/templates.zip")
        assert (
            ticket.get("httpOnly") and ticket.get("sameSite") == "Strict" and not page.context.cookies(f"{locked_server.url}/api/v1/jobs")
        )
        assert not page.evaluate("document.cookie") and not any(ticket["value"] in url or API_KEY in url for url in seen.requested)
    logs = [path.read_text(errors="replace") for path in locked_server.folder.rglob("*.log")]
    assert logs and not any(ticket["value"] in text for text in logs)
