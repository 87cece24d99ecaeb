"""A server that goes away and comes back."""

from __future__ import annotations

import numpy as np
from playwright.sync_api import Browser, Route, expect

from render_actor.contract.cameras import camera_poses
from tests.chromium import visit
from tests.integration.conftest import Server
from tests.integration.page.cut_wire import cut_wire

_NOTE_WHAT_THE_BANNER_SAYS = """() => {
  window.said = [];
  const banner = document.querySelector("#banner");
  new MutationObserver(() => window.said.push(banner.textContent)).observe(banner, {childList: true, characterData: true, subtree: true});
}"""


def test_a_server_that_goes_away_is_said_and_comes_back_by_itself(browser: Browser, server: Server) -> None:
    np.save(server.folder / "four_poses.npy", camera_poses(0)[[3, 8, 20, 30]])
    body = {"cad_path": str(server.folder / "flange.stl"), "output_dir": str(server.folder / "lost"), "quality": "draft", "resolution": 64}
    body |= {"camera_poses_path": str(server.folder / "four_poses.npy")}
    with cut_wire(server.url) as wire, visit(browser, wire.url) as seen:
        page = seen.page
        page.goto("?view=jobs")
        expect(page.locator(".virtual:not([hidden]), .empty:not([hidden])")).to_be_visible()
        wire.cut()
        expect(page.locator("#banner")).to_contain_text("does not answer")
        # What happens meanwhile is not missed.
        with server.http() as http:
            job = http.post("/api/v1/jobs", params={"wait": "true"}, json=body).json()
        assert job["status"] == "succeeded"
        assert not page.locator(f"[data-job='{job['job_id']}']").count()
        page.evaluate(_NOTE_WHAT_THE_BANNER_SAYS)  # It says so for some seconds only.
        wire.mend()
        page.wait_for_function("() => window.said.some((text) => text.includes('is back'))")
        row = page.locator(f"[data-job='{job['job_id']}']")
        expect(row.locator(".state.succeeded")).to_be_visible()

        wire.cut()  # And while one job is opened.
        row.click()
        expect(page.locator("#banner")).to_contain_text("does not answer")
        wire.mend()
        expect(page.locator(".cell.here")).to_have_count(4)


def test_a_job_that_came_before_the_stream_was_open_is_in_the_list(browser: Browser, server: Server) -> None:
    held = list[Route]()
    with visit(browser, server.url) as seen:
        page = seen.page
        page.route("**/api/v1/events", lambda route: held.append(route))  # A method of a list takes no attributes.
        page.goto("?view=jobs")
        expect(page.locator(".virtual:not([hidden]), .empty:not([hidden])")).to_be_visible()
        body = {"cad_path": str(server.folder / "flange.stl"), "output_dir": str(server.folder / "unseen"), "resolution": 64, "samples": 1}
        with server.http() as http:
            job = http.post("/api/v1/jobs", params={"wait": "true"}, json=body).json()
        page.wait_for_function("() => document.querySelector('h1')")  # Lets the held request come.
        assert held and not page.locator(f"[data-job='{job['job_id']}']").count()
        held[0].continue_()
        expect(page.locator(f"[data-job='{job['job_id']}'] .state.succeeded")).to_be_visible()
