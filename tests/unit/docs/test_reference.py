"""The reference pages are as the code is, and say something of all that there is."""

from __future__ import annotations

import re

import pytest

from serve_app.base.errors import CODES
from serve_app.http.errors import STATUS
from tools.reference.__main__ import FOLDER, PAGES
from tools.reference.error_texts import GROUPS
from tools.reference.markdown import cell
from tools.reference.values import number


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_page_is_fresh(name: str) -> None:
    assert (FOLDER / name).is_file() and (FOLDER / name).read_text() == PAGES[name](), "run `make reference`"


def test_no_page_is_left_over() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)


def test_every_error_is_explained_once() -> None:
    told = [code for group in GROUPS.values() for code in group]
    assert sorted(told) == sorted(CODES) == sorted(STATUS)
    assert all(meaning and remedy for group in GROUPS.values() for meaning, remedy in group.values())


def test_every_metric_has_a_row() -> None:
    rows = re.findall(r"^\| `ray_render_\w+` \| (\w+) \|", (FOLDER / "metrics.md").read_text(), re.M)
    assert set(rows) == {"counter", "gauge", "histogram"} and len(rows) > 20


def test_text_stays_in_its_cell() -> None:
    assert cell("a |\n b <x>") == "a \\| b &lt;x>"
    assert [number(512 * 1024**2, "max_cad_bytes"), number(5_000_000), number(8004), number(0.5)] == ["512 MiB", "5,000,000", "8004", "0.5"]
