"""Views that are sampled until their error is within its bound: one renderer without a server, in processes of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.integration.conftest import ROOT
from tests.watched import run_blender

QUALITIES = ("standard", "draft")


def told(folder: Path, threads: int, *what: str) -> dict[str, Any]:
    """What ``bounded_views`` finds out."""
    command = [sys.executable, "-m", "tests.integration.bounded_views", ",".join(what), str(threads), str(folder)]
    run_blender(command, ROOT)
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in what}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Everything that one process can tell."""
    return told(
        tmp_path_factory.mktemp("bounded"),
        2,
        "repeated",
        "failing",
        "slow",
        "glowing",
        "lamp_lit",
        "lamp_error",
        "direct_light",
        "left_out",
        "likeness",
    )


def test_a_view_is_the_same_whatever_its_renderer_did_before(found: dict[str, Any]) -> None:
    for quality in QUALITIES:
        views = found["repeated"][quality]
        first = views["nothing"]
        assert len(views) >= 9 and first["estimated_error"] is not None and first["error_bound"] is not None
        assert {name: view for name, view in views.items() if view != first} == {}, quality
    assert found["repeated"]["standard"]["nothing"]["files"] != found["repeated"]["draft"]["nothing"]["files"]


def test_a_view_is_the_same_in_a_fresh_process_with_another_number_of_threads(found: dict[str, Any], tmp_path: Path) -> None:
    fresh = told(tmp_path, 1, "lamp_lit", "fresh")
    assert fresh["lamp_lit"] == found["lamp_lit"]
    assert fresh["fresh"] == {quality: found["repeated"][quality]["nothing"] for quality in QUALITIES}


def test_the_lamps_light_by_rays_spares_samples_and_is_the_same_each_time(found: dict[str, Any]) -> None:
    view = found["lamp_lit"]
    assert view["asked"] == 1 and view["again"] == view["known"]
    assert view["known"]["samples"] < view["sampled"]["samples"]
    assert view["known"]["files"] != view["sampled"]["files"]


def test_the_lamps_light_by_rays_leaves_less_error_than_the_stock_procedure(found: dict[str, Any]) -> None:
    assert 0 < found["lamp_error"]["known"] < found["lamp_error"]["as_stock"]


def test_the_direct_light_by_rays_is_that_of_cycles_in_light_and_in_shadow(found: dict[str, Any]) -> None:
    """Looks of four kinds, and shadows in which nothing but the world shines."""
    for view in found["direct_light"]["chain"]:
        assert view["known"] > 0.98 and view["shadow"] > 0.01
        assert view["error"] < 0.9 and view["error"] < 1.5 * view["told"]
        assert view["in_shadow"] < view["seen_in_shadow"] / 8


def test_where_faces_lie_in_one_another_the_direct_light_is_that_of_the_samples(found: dict[str, Any]) -> None:
    """Cycles has spots of shadow there."""
    for view in found["direct_light"]["boxes"]:
        assert 0.1 < view["known"] < 0.8
        assert view["error"] < 0.9 and view["error"] < 1.5 * view["told"]


def test_pixels_that_are_left_out_change_no_sample_of_the_others(found: dict[str, Any]) -> None:
    for compared in found["left_out"]["samples"]:
        assert min(compared["pixels"]) > 50 and compared["same"], compared
        assert compared["left_out"] == 0.0 < compared["whole"], compared
    assert found["left_out"]["unchanged"]


def test_a_view_of_which_pixels_are_left_out_is_the_same_each_time(found: dict[str, Any]) -> None:
    first, smaller, again = found["left_out"]["views"]
    assert first["narrowed"] >= 1 and first == again and first["files"] != smaller["files"]


def test_a_cad_that_glows_has_less_noise_and_changes_no_view_of_another(found: dict[str, Any]) -> None:
    plain, glowing, plain_again, glowing_again = found["glowing"]["files"]
    assert plain == plain_again and glowing == glowing_again
    assert found["glowing"]["tree"] == [False, True, False, True, False]  # The last is sampled as the stock procedure does.
    assert found["glowing"]["apart"]["True"] < 0.9 * found["glowing"]["apart"]["False"]


def test_a_denoiser_that_fails_fails_its_view_alone(found: dict[str, Any]) -> None:
    failure = found["failing"]["failure"]
    assert failure["code"] == "render_failed" and failure["message"].startswith("Blender failed to render: RuntimeError")
    assert "Open Image Denoise failed" in failure["cause"] and "Open Image Denoise" not in failure["message"]
    assert found["failing"]["after"] == found["failing"]["before"]


def test_further_samples_have_no_time_that_their_renderer_has_not(found: dict[str, Any]) -> None:
    slow = found["slow"]
    assert slow["failure"]["code"] == "view_too_slow" and slow["failure"]["field"] == "cad_path"
    assert slow["patient"]["samples"] > 64
    assert slow["after"] == slow["before"]


def test_samples_taken_in_parts_are_denoised_and_shown_as_by_blender(found: dict[str, Any]) -> None:
    for difference in found["likeness"]["denoised"]:
        assert difference["noise"] > 0.2  # There was something to denoise.
        assert difference["mean"] < 0.01 and difference["largest"] < 0.5, difference


def test_linear_colours_are_shown_as_blender_saves_them(found: dict[str, Any]) -> None:
    for difference in found["likeness"]["shown"]:
        assert difference["largest"] < 0.02, difference
    ramp = np.array(found["likeness"]["ramp"])
    assert (np.diff(ramp, axis=0) >= 0).all() and ramp[0].max() < 257 and ramp[-1].min() > 65000
    assert np.abs(ramp - ramp[:, :1]).max() <= 0.02 * 257  # Greys stay grey.
    assert np.abs(np.array(found["likeness"]["tone"]) - ramp[:, 1] / 257).max() < 0.1
