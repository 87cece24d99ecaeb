"""What holds wherever one is on the page: two languages, nobody shut out, nothing from elsewhere, the policy."""

from __future__ import annotations

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.integration.conftest import ROOT, Server
from tests.integration.page.conftest import Visits, choose, drop, render

SERIOUS = ("serious", "critical")


def serious(page: Page) -> list[str]:
    """What axe-core finds that shuts people out."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in SERIOUS]


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1400), ("light", 390)])
def test_axe_finds_nothing_serious(visits: Visits, scheme: str, width: int) -> None:
    with visits(color_scheme=scheme, viewport={"width": width, "height": 900}, reduced_motion="reduce") as seen:
        page = seen.page
        page.goto("")
        page.wait_for_selector(".drop-zone")
        assert not serious(page)
        drop(page, ROOT / "examples" / "flange.stl")
        choose(page, resolution=64)
        page.click(".glance > button")
        assert not serious(page)
        page.keyboard.press("Escape")
        render(page)
        expect(page.locator(".screen-head .state.succeeded")).to_be_visible()
        page.wait_for_selector(".use pre")
        assert not serious(page)
        page.click("[data-view='0']")
        page.wait_for_selector("dialog.large")
        assert not serious(page)
        page.keyboard.press("Escape")
        page.click("nav a:last-child")
        page.wait_for_selector(".job-row")
        assert not serious(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width  # Nothing sticks out to the side.


def test_korean_for_a_korean_browser_and_by_choice(visits: Visits) -> None:
    korean = json.loads((ROOT / "serve_app" / "page" / "i18n" / "ko.json").read_text())
    english = json.loads((ROOT / "serve_app" / "page" / "i18n" / "en.json").read_text())
    with visits(locale="ko-KR") as seen:
        page = seen.page
        page.goto("")
        expect(page.locator(".drop-zone h1")).to_have_text(korean["new.drop"])
        assert page.get_attribute("html", "lang") == "ko"
        page.select_option("#header select", "en")
        expect(page.locator(".drop-zone h1")).to_have_text(english["new.drop"])
        page.reload()
        expect(page.locator(".drop-zone h1")).to_have_text(english["new.drop"])
        assert not seen.wrong


def test_the_keyboard_is_enough(visits: Visits) -> None:
    with visits() as seen:
        page = seen.page
        page.goto("")
        page.wait_for_selector(".drop-zone")
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        for _ in range(4):
            page.keyboard.press("Tab")
        expect(page.locator(".glance > button")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".glance-card")).to_contain_text("running")
        page.keyboard.press("Escape")
        expect(page.locator(".glance-card")).to_be_hidden()


def test_the_policy_lets_nothing_in(visits: Visits, server: Server) -> None:
    with visits() as seen:
        page = seen.page
        page.goto("")
        page.wait_for_selector(".drop-zone")
        violated = page.evaluate(
            """async () => {
              const violated = [];
              document.addEventListener("securitypolicyviolation", (event) => violated.push(event.effectiveDirective));
              const script = document.createElement("script");
              try { script.textContent = "window.wasRun = true"; } catch { violated.push("trusted-types"); }
              document.body.append(script);
              try { document.body.innerHTML += "<p>"; } catch { violated.push("innerHTML"); }
              try { document.body.setAttribute("onclick", "window.wasRun = true"); } catch { violated.push("onclick"); }
              document.body.click();
              const image = new Image();
              image.src = "http://127.0.0.1:9/elsewhere.png";
              await fetch("http://127.0.0.1:9/elsewhere").catch(() => {});
              await new Promise((resolve) => setTimeout(resolve, 200));
              return { violated, wasRun: window.wasRun ?? false };
            }"""
        )
        assert not violated["wasRun"]
        assert {"trusted-types", "innerHTML", "onclick", "img-src", "connect-src"} <= set(violated["violated"])
        assert seen.hosts() <= {server.url.removeprefix("http://"), "127.0.0.1:9"}
