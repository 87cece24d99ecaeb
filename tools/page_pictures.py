"""Makes the page's pictures for the documentation, in a real Chromium: ``python -m tools.page_pictures URL`` of a server without a key."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from tests.chromium import chromium, visit

ROOT = Path(__file__).parents[1]
_IMAGES = ROOT / "docs" / "images"
_RENDERED_MS = 300_000
_SIZE = {"width": 1360, "height": 850}


def main() -> None:
    """Drop the example bracket, render it, and take a picture of each of the two screens."""
    with chromium() as browser, visit(browser, sys.argv[1], viewport=_SIZE) as seen:
        page = seen.page
        page.goto("")
        page.locator("input[type=file]").first.set_input_files([ROOT / "examples" / "bracket.step"])
        page.wait_for_selector(".preview[data-shown]")
        _take(page, "page-cad.png")
        page.click(".render-bar button.primary")
        page.wait_for_selector(".screen-head .state.succeeded", timeout=_RENDERED_MS)
        page.click("[data-place=sphere]")
        page.wait_for_selector(".sphere-box canvas")
        _take(page, "page-sphere.png")
        page.click("[data-place=grid]")
        _take(page, "page-views.png")


def _take(page: Page, name: str) -> None:
    page.wait_for_timeout(3000)  # What fades in, and what is drawn in 3D without a GPU.
    page.screenshot(path=_IMAGES / name)
    Image.open(_IMAGES / name).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(_IMAGES / name, optimize=True)


if __name__ == "__main__":
    main()
