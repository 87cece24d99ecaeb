"""The guide of bounded views: Cycles and our own rays agree about it, and views are nearer to the truth by it."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.integration.conftest import ROOT
from tests.integration.guided_cads import CASES, GAINS, HARMLESS
from tests.watched import run_blender


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``guided_views`` finds out, by one process."""
    folder = tmp_path_factory.mktemp("guided")
    command = [sys.executable, "-m", "tests.integration.guided_views", "2", str(folder)]
    run_blender(command, ROOT)
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in ("agreement", "gain")}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_cycles_and_our_rays_agree_about_the_guide(found: dict[str, Any], case: Any) -> None:
    views = found["agreement"][case.name]
    assert len(views) == len(case.views)
    for view in views:
        assert view["level"] > 0.01  # There is something to agree about.
        assert view["mean"] < 8e-4, view
        assert view["rms"] < 1.4 * view["noise"] + 3e-4, view
        assert view["largest"] < 0.09, view


@pytest.mark.parametrize("case", GAINS, ids=[case.name for case in GAINS])
def test_a_view_is_nearer_to_the_truth_with_its_guide(found: dict[str, Any], case: Any) -> None:
    views = found["gain"][case.name]
    assert len(views) == len(case.views)
    for view in views:
        assert view["guided"] < 0.92 * view["plain"], view


@pytest.mark.parametrize("case", HARMLESS, ids=[case.name for case in HARMLESS])
def test_where_the_guide_tells_little_it_does_no_harm(found: dict[str, Any], case: Any) -> None:
    for view in found["gain"][case.name]:
        assert view["guided"] < 1.05 * view["plain"], view
