"""A Blender of ours without a server, for converged images.

A process of its own: ``python -m bench.probe CAD OUTPUT GPUS RESOLUTION`` reads from each line of its standard input
``converged VIEW SAMPLES SEED``, or ``pixels VIEW``, which are those of the object, and answers with a line of JSON.
"""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import sys
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.truth import stock_axes
from render_actor.contract.cameras import camera_poses
from render_actor.contract.scene import Sampling, TemplateScene, object_to_scene, poses_in_scene
from render_actor.process.cpu_affinity import CoreClaim
from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.parse import parse_cad


class Probe:
    """One CAD in a Blender with one thread.

    Args:
        cad: its file.
        num_gpus: as a renderer's.
        resolution: width and height of its images.
        axes: as in a request; ``blender`` turns the CAD about x.
    """

    def __init__(self, cad: Path, num_gpus: float, resolution: int = 512, axes: Literal["cad", "blender"] = "cad") -> None:
        CoreClaim(1).pin()
        # Imported before, TBB, with a worker for each core that it sees, would leave one of them turning in circles.
        from render_actor.blender.scene import BlenderScene
        from render_actor.blender.session import bpy, start_session

        self.cycles = bpy.context.scene.cycles
        self.device = start_session(num_gpus=num_gpus, threads=1)
        self._mesh = parse_cad(cad.read_bytes(), cad.suffix, cad.parent, CadLimits.from_settings(Settings())).mesh
        self._blender = BlenderScene(1)
        self._blender.meshes.load(self._mesh)
        vertices = self._mesh.vertices
        corners = np.array([vertices.min(axis=0), vertices.max(axis=0)])
        placed = object_to_scene(corners, normalize=True, recenter=False, axes=axes)
        self._scene = TemplateScene.stock(resolution, placed, poses_in_scene(camera_poses(0)), 1.0, None, Sampling(1))

    def render(self, view: int, sampling: Sampling) -> tuple[NDArray[np.uint8], float]:
        """A view's RGB, and the CPU seconds of it, without those of its mask."""
        scene = dataclasses.replace(self._scene, sampling=sampling)
        self._blender.show(self._mesh.key, scene)
        mask, _ = self._blender.mask_and_xyz(scene, view)
        before = resource.getrusage(resource.RUSAGE_SELF)
        rgb, _ = self._blender.rgb(scene, view, mask)
        after = resource.getrusage(resource.RUSAGE_SELF)
        return rgb, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def mask_and_xyz(self, view: int) -> tuple[NDArray[np.bool_], NDArray[np.float16]]:
        """A view's (H, W) mask and its (H, W, 3) coordinates in the CAD's frame."""
        self._blender.show(self._mesh.key, self._scene)
        return self._blender.mask_and_xyz(self._scene, view)


def main() -> None:
    """Serve requests until standard input ends."""
    cad, output, num_gpus, resolution = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(output / "probe.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    probe = Probe(cad, num_gpus, resolution, stock_axes(cad))
    print(json.dumps({"device": probe.device}), file=answers, flush=True)
    for line in sys.stdin:
        what, view, *rest = line.split()
        if what == "pixels":
            print(json.dumps({"pixels": int(probe.mask_and_xyz(int(view))[0].sum())}), file=answers, flush=True)
            continue
        probe.cycles.seed = int(rest[1])
        # Dithered as the stock images are, or the dithering would count as their error.
        rgb, seconds = probe.render(int(view), Sampling(int(rest[0]), denoiser="none"))
        cv2.imwrite(str(output / f"converged_{view}.png"), rgb[..., ::-1])
        print(json.dumps({"cpu": seconds}), file=answers, flush=True)
    os._exit(0)  # Blender's own exit crashes.


if __name__ == "__main__":
    main()
