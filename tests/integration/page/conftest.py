"""A browser for the tests of this folder, and CADs for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.chromium import Visit, chromium, visit
from tests.integration.conftest import Server

Visits = Callable[..., AbstractContextManager[Visit]]

FOUR_VIEWS = '{"poses": {"viewpoints": {"fibonacci": 4, "in_plane": 1}}}'


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for all tests here."""
    with chromium() as running:
        yield running


@pytest.fixture
def visits(browser: Browser, server: Server) -> Visits:
    """``visits()`` looks at the shared server."""
    return partial(visit, browser, server.url)


def drop(page: Page, *files: Any) -> None:
    """Give the page files, and wait until it shows the first one in 3D."""
    page.locator("input[type=file]").first.set_input_files(files)
    page.wait_for_selector(".preview[data-shown]")


def choose(page: Page, camera: str = FOUR_VIEWS, **numbers: int) -> None:
    """Choose a draft with few views; ``numbers`` are options that are typed in."""
    page.click("[data-option=quality] [data-value=draft]")
    page.click(".more-options > summary")
    page.fill("[data-option=camera] textarea", camera)
    for name, value in numbers.items():
        page.fill(f"[data-option={name}] input", str(value))


def render(page: Page) -> str:
    """Have it rendered; gives the job's id."""
    page.click(".render-bar button.primary")
    page.wait_for_url("**/?job=*")
    return page.url.partition("job=")[2].partition("&")[0]
