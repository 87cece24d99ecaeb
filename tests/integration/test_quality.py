"""How near each quality comes to the converged images; the same arithmetic as the benchmark's."""

from __future__ import annotations

import statistics
import subprocess
import sys

import numpy as np
import pytest

from bench.quality import Distance
from bench.truth import reference_truth
from render_actor.contract.cameras import camera_poses
from tests.integration.conftest import REFERENCE, Server

needs_reference = pytest.mark.skipif(not REFERENCE.exists(), reason="the reference renders are not here")


def rendered(server: Server, quality: str) -> list[Distance]:
    truth = reference_truth()
    poses = server.folder / "converged_views.npy"
    np.save(poses, camera_poses(0)[list(truth.views)])
    cad, output = str(REFERENCE / "obj_000005.ply"), f"quality_{quality}"
    job = server.render(cad, output, quality=quality, camera_poses_path=str(poses))
    assert job["status"] == "succeeded", job
    return truth.distances(server.folder / output / "templates", {view: index for index, view in enumerate(truth.views)})


@needs_reference
def test_standard_is_within_its_bounds_also_after_other_qualities(server: Server) -> None:
    reference = rendered(server, "reference")
    assert statistics.median(one.psnr for one in reference) >= statistics.median(reference_truth().stock_psnr()) - 0.5
    draft = rendered(server, "draft")
    assert statistics.median(one.psnr for one in draft) >= 42
    standard = rendered(server, "standard")
    assert statistics.median(one.psnr for one in standard) >= 48 and min(one.psnr for one in standard) >= 46.5
    assert max(one.worst for one in standard) <= 12
    # Masks and coordinates do not depend on the quality.
    assert [(one.iou, one.xyz_p99) for one in draft] == [(one.iou, one.xyz_p99) for one in reference]


def test_a_device_that_is_missing_is_a_start_error_and_never_the_cpu() -> None:
    code = (
        "import os\nfrom render_actor.blender.actor import BlenderActor\nfrom render_actor.contract.types import RendererOptions\n"
        "answer = BlenderActor('r', RendererOptions(device='HIP'), os.getpid()).warm_up()\n"
        "import os; os.write(1, answer.message.encode() if hasattr(answer, 'message') else answer.device.encode()); os._exit(0)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.startswith("HIP") or ("Failed to initialize BlenderProc" in printed and "RENDER_DEVICE=HIP" in printed)
    assert printed != "CPU"
