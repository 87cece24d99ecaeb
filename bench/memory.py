"""Whether a renderer keeps anything of the jobs that it has done."""

from __future__ import annotations

import time

import numpy as np
import trimesh

from bench.server import BenchServer
from render_actor.contract.cameras import camera_poses

CADS, EARLY, LATE = 20, 10, 200


def growth_percent(server: BenchServer, late: int = LATE) -> tuple[float, str]:
    """Growth of the renderers' memory from the 10th job to the last, over 20 CADs in turn.

    Returns:
        The growth in percent, and what it was computed from.
    """
    folder = server.folder / "memory"
    folder.mkdir()
    for index in range(CADS):
        mesh = trimesh.creation.icosphere(subdivisions=4, radius=20 + index)
        mesh.vertices *= 1 + 0.02 * np.sin(mesh.vertices[:, :1] * (1 + index) / 10)
        mesh.export(folder / f"{index}.ply")
    np.save(folder / "poses.npy", camera_poses(0)[[5, 30]])
    before = 0.0
    for job in range(late):
        if job == EARLY:
            before = _megabytes(server)
        cad = folder / f"{job % CADS}.ply"
        server.render(cad, f"memory/{job % CADS}", resolution=64 + job // CADS, camera_poses_path=str(folder / "poses.npy"))
    after = _megabytes(server)
    return 100 * (after / before - 1), f"{before:.0f} MB after {EARLY} jobs, {after:.0f} MB after {late}, {CADS} CADs of 5,120 faces"


def _megabytes(server: BenchServer) -> float:
    time.sleep(1)  # The server keeps a status for half a second.
    return max(renderer["memory_bytes"] for renderer in server.renderers()) / 1e6
