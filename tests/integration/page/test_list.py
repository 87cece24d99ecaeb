"""The list of jobs, with many of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.integration.conftest import Server
from tests.integration.page.conftest import Visits

JOBS = 120


@pytest.fixture(scope="module")
def many(server: Server) -> list[str]:
    """Jobs that were canceled in the queue, oldest first."""
    names = [f"many-{number:03}" for number in range(JOBS)]
    with server.http() as http:

        def begin(name: str) -> None:
            body: dict[str, Any] = {"cad_path": str(server.folder / "flange.stl"), "output_dir": str(server.folder / name), "samples": 1024}
            answer = http.put(f"/api/v1/jobs/{name}", json={**body, "resolution": 64, "priority": "batch"}, params={"group": "many"})
            assert answer.status_code in (200, 202), answer.text

        begin(names[0])
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(begin, names[1:]))
        http.post("/api/v1/jobs/cancel", json={"job_ids": names})
    return names


def scrolled_to(page: Page, job: str) -> Locator:
    """The row of a job that is below in the list: half a window at a time, each drawn before the next, so that none is skipped."""
    row = page.locator(f"[data-job='{job}']")
    for _ in range(300):
        if row.count():
            break
        page.evaluate(
            "() => new Promise((drawn) => { scrollBy(0, innerHeight / 2); requestAnimationFrame(() => requestAnimationFrame(drawn)); })"
        )
        page.wait_for_timeout(20)  # At the end of what is loaded, the rest comes.
    return row


def test_more_jobs_than_a_page_of_the_list(visits: Visits, many: list[str]) -> None:
    with visits() as seen:
        page = seen.page
        page.goto("?view=jobs")
        page.wait_for_selector(".job-row")
        assert page.locator(".job-row").count() < 60  # Those in sight alone.
        expect(scrolled_to(page, many[0])).to_be_visible()  # The oldest.
        assert page.locator(".job-row").count() < 60

        page.click(".states [data-state=canceled]")
        page.fill(".search input", "many-04")
        expect(page.locator(".job-row")).to_have_count(10)
        assert "status=canceled" in page.url and "q=many-04" in page.url
        page.reload()  # The address is enough.
        expect(page.locator(".job-row")).to_have_count(10)
        expect(page.locator(".states [data-state=canceled]")).to_have_attribute("aria-pressed", "true")
        page.click(".states [data-state=succeeded]")
        page.click(".states [data-state=canceled]")
        expect(page.locator(".empty")).to_be_visible()
        page.click(".states [data-state='']")
        expect(page.locator(".job-row")).to_have_count(10)
        page.click("[data-job='many-042']")
        expect(page.locator(".screen-head .state.canceled")).to_be_visible()
        page.go_back()
        expect(page.locator(".job-row")).to_have_count(10)
        assert not seen.wrong


def test_back_leads_to_the_place_in_the_list(visits: Visits, many: list[str]) -> None:
    with visits() as seen:
        page = seen.page
        page.goto("?view=jobs&status=canceled&q=many-")
        page.wait_for_selector(".job-row")
        scrolled_to(page, many[20]).click()
        expect(page.locator(".screen-head .state.canceled")).to_be_visible()
        assert page.evaluate("scrollY") == 0
        page.go_back()
        expect(page.locator(f"[data-job='{many[20]}']")).to_be_in_viewport()
