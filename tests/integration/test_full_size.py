"""One job as SAM-6D's users send it, with every default: 42 views of 512 x 512.

It renders the reference CAD where that lies beside the project, and is then held against the stock procedure's images of it as a
further check; an example of the project otherwise.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.quality import Distance
from bench.truth import VIEWS, reference_truth
from render_actor.contract.cameras import camera_poses
from tests.integration.conftest import CHECKER, REFERENCE, Server

HAS_REFERENCE = REFERENCE.exists() and CHECKER.exists()
needs_reference = pytest.mark.skipif(not HAS_REFERENCE, reason="a further check: the reference renders are not here")


@pytest.fixture(scope="module")
def full(server: Server) -> dict[str, Any]:
    """A job without any options."""
    job = server.render(str(REFERENCE / "obj_000005.ply") if HAS_REFERENCE else "knot.ply", "full")
    assert job["status"] == "succeeded", job
    return job


def check_templates(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "serve_app.cli.main", "check-templates", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_job_with_every_default_keeps_the_contract(full: dict[str, Any]) -> None:
    assert full["templates_generated"] == 42 and full["warnings"] == []
    checked = check_templates(full["output_dir"], "--views", "42", "--cad", full["cad_path"])
    assert checked.returncode == 0, checked.stderr
    assert np.load(Path(full["templates_dir"]) / "xyz_41.npy").shape == (512, 512, 3)


def test_a_folder_that_was_changed_breaks_it(full: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    for file in Path(full["templates_dir"]).iterdir():
        (folder / file.name).symlink_to(file)
    (folder / "rgb_7.png").unlink()
    (folder / "rgb_7.png").write_bytes((folder / "rgb_8.png").read_bytes())
    checked = check_templates(str(tmp_path))
    assert checked.returncode == 1 and "rgb_7.png: its SHA-256 is" in checked.stderr


@needs_reference
def test_both_checkers_hold_it_against_the_reference(full: dict[str, Any]) -> None:
    words = [full["templates_dir"], "--cad", full["cad_path"]]
    words += ["--reference", str(REFERENCE / "stock"), "--converged", str(REFERENCE / "converged")]
    ours = check_templates(*words)
    assert ours.returncode == 0 and ours.stdout.count("[INFO]") == 5, ours.stdout + ours.stderr
    theirs = subprocess.run([sys.executable, str(CHECKER), *words], capture_output=True, text=True, check=False)
    assert theirs.returncode == 0, theirs.stdout + theirs.stderr


@needs_reference
def test_the_background_is_the_stock_background(full: dict[str, Any]) -> None:
    for view in (0, 20, 38):
        stock = np.asarray(Image.open(REFERENCE / "stock" / f"rgb_{view}.png").convert("RGB")).astype(int)
        outside = np.asarray(Image.open(REFERENCE / "stock" / f"mask_{view}.png")) == 0
        rgb = np.asarray(Image.open(Path(full["templates_dir"]) / f"rgb_{view}.png"))
        # Stock images are dithered: equal up to that.
        assert np.abs(rgb[outside].astype(int).mean(axis=0) - stock[outside].mean(axis=0)).max() < 0.6


@needs_reference
def test_every_quality_is_within_its_published_bounds(server: Server, full: dict[str, Any]) -> None:
    truth = reference_truth()
    np.save(server.folder / "reference_views.npy", camera_poses(0)[list(VIEWS)])

    def distances(quality: str) -> list[Distance]:
        poses = str(server.folder / "reference_views.npy")
        job = server.render(str(truth.cad), f"bounds/{quality}", quality=quality, camera_poses_path=poses)
        return truth.distances(Path(job["templates_dir"]), {view: index for index, view in enumerate(VIEWS)})

    reference, draft = distances("reference"), distances("draft")
    standard = truth.distances(Path(full["templates_dir"]), {view: view for view in VIEWS})
    assert statistics.median(one.psnr for one in reference) >= statistics.median(truth.stock_psnr()) - 0.5
    assert statistics.median(one.psnr for one in draft) >= 42
    assert statistics.median(one.psnr for one in standard) >= 48 and min(one.psnr for one in standard) >= 46.5
    assert max(one.worst for one in standard) <= 12
    # Masks and coordinates do not depend on the quality.
    assert [(one.iou, one.xyz_p99) for one in draft] == [(one.iou, one.xyz_p99) for one in reference]
