"""What people do with the page: a CAD goes in, templates come out."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

from playwright.sync_api import Route, expect

from tests.integration.conftest import ROOT, Server
from tests.integration.page.conftest import Visits, choose, drop, render

EXAMPLES = ROOT / "examples"
IN_MM = re.compile(r"^80 . 80 . 32 mm$")


def test_from_a_dropped_cad_to_the_templates(visits: Visits, server: Server, tmp_path: Path) -> None:
    with visits() as seen:
        page = seen.page
        page.goto("")
        drop(page, EXAMPLES / "flange.stl")
        expect(page.locator(".size-line")).to_have_text(IN_MM)
        page.click(".facts-box .choice button:has-text('cm')")  # The unit that a .stl file does not say.
        expect(page.locator(".size-line")).to_have_text(re.compile(r"^800 . 800 . 320 mm$"))
        page.click(".facts-box .choice button:text-is('mm')")
        expect(page.locator(".size-line")).to_have_text(IN_MM)
        choose(page, resolution=64)
        job = render(page)
        expect(page.locator(".cell.here")).to_have_count(4)
        expect(page.locator(".screen-head .state.succeeded")).to_be_visible()

        page.click("[data-view='2']")  # One view large: the CAD's coordinate under the pointer.
        expect(page.locator(".readout")).to_have_text("Point at a pixel to read its CAD coordinate.")
        image = page.locator(".large-image").bounding_box()
        assert image is not None
        told = _told_points(page, image)
        with server.http() as http:
            view = http.get(f"/api/v1/jobs/{job}/views").json()["views"][2]
        assert told and all(abs(z - 16) <= 16.1 or abs(z) <= 16.1 for _, _, z in told)
        assert "Camera to CAD, mm" in page.inner_text(".large-facts") and str(view["samples"]) in page.inner_text(".large-facts")
        page.keyboard.press("ArrowRight")
        expect(page.locator("dialog.large h2")).to_have_text("View 3")
        page.keyboard.press("Escape")

        for kind in ("mask", "xyz", "depth"):
            page.click(f".views-bar [data-kind={kind}]")
            page.wait_for_function(
                "kind => [...document.querySelectorAll('.cell img')].every(i => i.naturalWidth && i.dataset.path.includes(kind))", arg=kind
            )
        page.click("[data-place=sphere]")
        expect(page.locator(".sphere-box canvas")).to_be_visible()

        with page.expect_download() as download:
            page.click(".use a.primary")
        download.value.save_as(tmp_path / "flange.zip")
        names = zipfile.ZipFile(tmp_path / "flange.zip").namelist()
        assert sum(name.endswith(".npy") for name in names) == 4 and any(name.endswith("manifest.json") for name in names)
        assert "upload:" not in page.inner_text(".command") and "file=@flange.stl" in page.inner_text(".command")
        assert seen.hosts() == {server.url.removeprefix("http://")} and not seen.wrong


def _told_points(page, image) -> list[list[float]]:  # type: ignore[no-untyped-def]
    """What the page says of some pixels in the middle of the image, off the background."""
    told = []
    for share in (0.3, 0.4, 0.5, 0.6, 0.7):
        page.mouse.move(image["x"] + image["width"] * share, image["y"] + image["height"] * 0.5)
        text = page.inner_text(".readout")
        if "xyz" in text:
            told.append([float(word) for word in text.partition("xyz")[2].partition("mm")[0].split()])
    return told


def test_views_come_live_and_a_job_is_canceled(visits: Visits) -> None:
    with visits() as seen:
        page = seen.page
        page.goto("")
        drop(page, *(EXAMPLES / f"crate.{ending}" for ending in ("obj", "mtl", "png")))
        choose(page, '{"poses": {"viewpoints": {"fibonacci": 40, "in_plane": 1}}}', resolution=128, samples=300)
        render(page)
        page.wait_for_selector(".cell.here img[src^='blob:']")
        assert page.locator(".cell.here").count() < 40 and page.locator(".screen-head .state.running").is_visible()
        page.click(".screen-head .danger")
        expect(page.locator(".screen-head .state.canceled")).to_be_visible()
        expect(page.get_by_role("link", name="Render again")).to_be_visible()
        for name in ("crate.obj", "crate.mtl", "crate.png"):  # Without its texture it would be another CAD.
            expect(page.locator(".command")).to_contain_text(f"file=@{name}")
        # The job may have ended between its last event and a question about its views.
        assert not [wrong for wrong in seen.wrong if "409 (Conflict)" not in wrong]


def test_an_end_that_comes_while_the_views_are_asked_for_is_shown(visits: Visits, server: Server) -> None:
    body = {"cad_path": str(server.folder / "crate.obj"), "output_dir": str(server.folder / "ended"), "resolution": 128, "samples": 300}
    held = list[Route]()
    with visits() as seen, server.http() as http:
        job = http.post("/api/v1/jobs", json=body).json()["job_id"]
        page = seen.page
        page.goto(f"?job={job}")
        page.wait_for_selector(".cell.here")
        free = list[bool]()
        page.route("**/views", lambda route: route.continue_() if free else held.append(route))
        while not held:
            page.wait_for_timeout(100)
        assert http.delete(f"/api/v1/jobs/{job}").is_success
        page.wait_for_timeout(1000)  # The event has come, while the views are still awaited.
        free.append(True)
        for route in held:
            route.continue_()
        expect(page.locator(".screen-head .state.canceled")).to_be_visible()


def test_a_cad_that_cannot_be_read_and_one_that_cannot_be_rendered(visits: Visits, tmp_path: Path) -> None:
    (tmp_path / "torn.stl").write_bytes(b"solid torn\nfacet normal 0 0")
    off = "\n".join(f"v {1000 + x} {y} {z}" for x, y, z in ((0, 0, 0), (10, 0, 0), (0, 10, 0), (0, 0, 10)))
    (tmp_path / "off.obj").write_text(off + "\nf 1 2 3\nf 1 2 4\nf 2 3 4\nf 1 3 4\n")
    with visits() as seen:
        page = seen.page
        page.goto("")
        page.locator("input[type=file]").first.set_input_files(tmp_path / "torn.stl")
        note = page.locator(".facts-box .note.bad")
        expect(note).to_contain_text("cad_invalid")
        expect(note).to_contain_text("Export the CAD again")
        page.click("[aria-label='Remove torn.stl']")
        drop(page, tmp_path / "off.obj")
        choose(page, resolution=64)
        render(page)
        expect(page.locator(".screen-head .state.failed")).to_be_visible()
        expect(page.locator(".note.bad")).to_contain_text("recenter")
        # The same again, with the remedy.
        page.get_by_role("link", name="Render again").click()
        page.wait_for_selector(".preview[data-shown]")
        page.click(".more-options > summary")
        page.check("[data-option=recenter] input")
        assert json.loads(page.input_value("[data-option=camera] textarea")) == {"poses": {"viewpoints": {"fibonacci": 4, "in_plane": 1}}}
        render(page)
        expect(page.locator(".screen-head .state.succeeded")).to_be_visible()
