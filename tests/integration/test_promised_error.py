"""What a quality promises of its error holds on CADs of different kinds: a quick form of ``make quality``."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import numpy as np
import pytest

from bench.converged import ConvergedImages, NoisyTruth
from bench.promise import MEDIAN_AND_WORST
from bench.quality_cads import write
from bench.truth import read_view, stock_axes
from render_actor.contract.cameras import camera_poses
from tests.integration.conftest import Server

RESOLUTION = 128
VIEWS = (0, 12)
SAMPLES = 256
"""Of a pixel, in two independent renders: of some 2,500 pixels of an object they tell an error within a tenth."""

TELLING = 1.15
"""A true error is told within this factor."""


def _errors(server: Server, cad: Path, truth: dict[int, NoisyTruth], quality: str) -> tuple[list[float], list[dict[str, object]]]:
    """True error of each view, of 255, and what the manifest tells of it."""
    poses = server.folder / "promised_views.npy"
    np.save(poses, camera_poses(0)[list(VIEWS)])
    common = {"camera_poses_path": str(poses), "resolution": RESOLUTION, "obj_axes": stock_axes(cad)}
    job = server.render(str(cad.relative_to(server.folder)), f"promised/{cad.stem}/{quality}", quality=quality, **common)
    assert job["status"] == "succeeded", job
    folder = Path(job["templates_dir"])
    views = [read_view(folder, index) for index in range(len(VIEWS))]
    errors = [truth[number].rmse(view.rgb, view.mask) for number, view in zip(VIEWS, views, strict=True)]
    return errors, json.loads((folder / "manifest.json").read_text())["views"]


# A plain part needs few samples, teeth finer than a pixel hundreds, a print others than an edge.
@pytest.mark.parametrize("name", ["drilled_block", "fine_gear", "label_bottle"])
def test_the_error_is_as_promised(server: Server, tmp_path: Path, name: str) -> None:
    cad = write(name, server.folder / "set")
    truth = ConvergedImages(tmp_path, SAMPLES, RESOLUTION, 0.0).of(cad, VIEWS)
    stock, _ = _errors(server, cad, truth, "reference")  # It samples and denoises as the stock procedure does.
    for quality, (median, worst) in MEDIAN_AND_WORST.items():
        errors, told = _errors(server, cad, truth, quality)
        shares = [error / max(median, own) for error, own in zip(errors, stock, strict=True)]
        assert statistics.median(shares) <= TELLING, (quality, errors, stock, told)
        assert all(error <= TELLING * max(worst, own) for error, own in zip(errors, stock, strict=True)), (quality, errors, stock, told)
