"""What holds wherever one is on the page: two languages, nobody shut out, nothing from elsewhere, the policy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.chromium import serious
from tests.integration.conftest import ROOT, Server
from tests.integration.page.conftest import FOUR_VIEWS, Visits, choose, drop


@pytest.fixture(scope="module")
def two_jobs(server: Server) -> list[str]:
    """Two results of one CAD, to be compared, and before them one that fails."""
    names = ["to-fail", "to-compare-a", "to-compare-b"]
    (server.folder / "cut_off.stl").write_bytes(b"solid nothing")
    with server.http() as http:
        for name, quality in zip(names, ("draft", "draft", "standard"), strict=True):
            cad = "cut_off.stl" if name == "to-fail" else "flange.stl"
            body: dict[str, Any] = {"cad_path": str(server.folder / cad), "output_dir": str(server.folder / name), "resolution": 64}
            body |= {"quality": quality, "camera": json.loads(FOUR_VIEWS)}
            http.put(f"/api/v1/jobs/{name}", params={"wait": "true"}, json=body)
    return names


@pytest.mark.parametrize(("scheme", "width", "locale"), [("dark", 1400, "ko-KR"), ("light", 390, "en-US"), ("light", 800, "ko-KR")])
def test_axe_finds_nothing_serious(visits: Visits, two_jobs: list[str], scheme: str, width: int, locale: str) -> None:
    with visits(color_scheme=scheme, viewport={"width": width, "height": 900}, locale=locale, reduced_motion="reduce") as seen:
        page = seen.page

        def look(address: str, until: str) -> None:
            page.goto(address)
            page.wait_for_selector(until)
            assert not serious(page), address
            assert page.evaluate("document.documentElement.scrollWidth") <= width, address  # Nothing sticks out to the side.

        look("", ".drop-zone")
        drop(page, ROOT / "examples" / "flange.stl")
        choose(page, resolution=64)
        page.click(".glance > button")
        assert not serious(page)
        failing, first, second = two_jobs
        look(f"?job={first}", ".use pre")
        page.click("[data-view='0']")
        page.wait_for_selector(".large-image[src]")
        assert not serious(page)
        image, frame = (page.locator(f".large-{part}").bounding_box() for part in ("image", "frame"))
        assert image and frame and image["height"] <= frame["height"] + 1  # Nothing of it is cut off.
        look(f"?job={failing}", ".note.bad")
        look("?job=no-such-job", ".note.bad")
        look(f"?compare={first}", ".compare-list .thumb")
        look(f"?compare={first},{second}", "canvas.compare-image")
        look("?view=jobs", ".job-row")
        look("?view=jobs&q=nothing-like-it", ".empty")


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
