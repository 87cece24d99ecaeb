"""A Blender of ours without a server, for where a view's time goes on a device.

A process of its own: ``python -m bench.gpu_probe CAD OUTPUT GPUS RESOLUTION`` tells which devices Cycles sees. Then it reads from each
line of its standard input ``start DEVICE``, which comes first, ``apart VIEWS`` or ``beside VIEWS``, and answers with a line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, get_args

import numpy as np

from render_actor.contract.cameras import camera_poses
from render_actor.contract.device import GPU_KINDS, RenderDevice
from render_actor.contract.scene import TemplateScene, object_to_scene, poses_in_scene, sampling_for
from render_actor.contract.sink import PROBE
from render_actor.contract.types import Sink, ViewBatch
from render_actor.process.cpu_affinity import CoreClaim
from render_actor.view.traced import TracedView
from render_actor.view.view_output import MadeView, ViewOutput
from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.parse import parse_cad


class GpuProbe:
    """One CAD in one Blender, with the pipeline of a renderer: trace, and make the files beside the next view.

    Args:
        cad: its file.
        folder: for the templates.
        num_gpus: as a renderer's.
        resolution: width and height of its images.
    """

    def __init__(self, cad: Path, folder: Path, num_gpus: float, resolution: int) -> None:
        CoreClaim(1).pin()  # As in a renderer, and before Blender counts the cores.
        self._num_gpus, self._resolution, self._attempt, self._renders = num_gpus, resolution, 0, 0.0
        self._mesh = parse_cad(cad.read_bytes(), cad.suffix, cad.parent, CadLimits.from_settings(Settings())).mesh
        self._sink = Sink(str(folder), os.urandom(16).hex(), "the benchmark's folder", required=True)
        (folder / PROBE).write_text(self._sink.nonce)

    def devices(self) -> dict[str, list[str]]:
        """Names of the GPUs that Cycles sees, by kind."""
        from render_actor.blender.session import bpy

        preferences = bpy.context.preferences.addons["cycles"].preferences
        found: dict[str, list[str]] = {}
        for kind in GPU_KINDS:
            try:
                found[kind] = [device.name for device in preferences.get_devices_for_type(kind) if device.type == kind]
            except ValueError:  # This build of Blender does not know the kind.
                continue
        return found

    def start(self, device: RenderDevice) -> dict[str, Any]:
        """Set Blender up on a device, load the CAD and render a first view of it: a GPU may compile its kernels for minutes."""
        began = time.monotonic()
        from render_actor.blender.scene import BlenderScene
        from render_actor.blender.session import bpy, start_session

        name = start_session(device=device, num_gpus=self._num_gpus, threads=1)
        self._blender = BlenderScene(1)
        self._blender.warm_up()
        bpy.app.handlers.render_init.append(self._render_begins)
        bpy.app.handlers.render_complete.append(self._render_ends)
        warm = time.monotonic() - began
        self._blender.meshes.load(self._mesh)
        corners = np.array([self._mesh.vertices.min(axis=0), self._mesh.vertices.max(axis=0)])
        placed = object_to_scene(corners, normalize=True, recenter=False, axes="cad")
        self._scene = TemplateScene.stock(self._resolution, placed, poses_in_scene(camera_poses(0)), 1.0, None, sampling_for("standard"))
        self._blender.show(self._mesh.key, self._scene)
        self._traced(0)
        return {"device": name, "warm": warm, "first": time.monotonic() - began - warm}

    def _render_begins(self, *_: object) -> None:
        self._render_began = time.monotonic()

    def _render_ends(self, *_: object) -> None:
        self._renders += time.monotonic() - self._render_began

    def _traced(self, view: int) -> TracedView:
        began = time.monotonic()
        mask, xyz = self._blender.mask_and_xyz(self._scene, view)
        rgb, quality = self._blender.rgb(self._scene, view, mask)
        return TracedView(view, rgb, mask, xyz, time.monotonic() - began, quality)

    def _output(self, views: list[int]) -> ViewOutput:
        self._attempt += 1
        return ViewOutput(ViewBatch("bench", self._mesh.key, None, self._scene, tuple(views), fence=self._attempt, sink=self._sink))

    def apart(self, views: list[int]) -> dict[str, float]:
        """Seconds of tracing, of Blender's renders in it, and of making the files, one after the other."""
        self._renders, traced, files = 0.0, 0.0, 0.0
        with self._output(views) as output:
            for view in views:
                template = self._traced(view)
                traced += template.seconds
                began = time.monotonic()
                output.take(template)
                output.finished()
                files += time.monotonic() - began
        return {"traced": traced, "renders": self._renders, "files": files}

    def beside(self, views: list[int]) -> dict[str, float]:
        """Seconds of tracing, of the renders in it, and of all, where a view's files are made while the next one is traced.

        It is what a renderer does.
        """
        self._renders, traced, made, began = 0.0, 0.0, list[MadeView](), time.monotonic()
        with self._output(views) as output:
            for view in views:
                template = self._traced(view)
                traced += template.seconds
                made += output.finished()
                output.take(template)
            made += output.finished()
        assert len(made) == len(views)
        return {"wall": time.monotonic() - began, "traced": traced, "renders": self._renders}


def main() -> None:
    """Serve requests until standard input ends."""
    cad, output, num_gpus, resolution = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(output / "gpu_probe.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    probe = GpuProbe(cad, output, num_gpus, resolution)

    def answer(content: dict[str, Any]) -> None:
        print(json.dumps(content), file=answers, flush=True)

    answer({"devices": probe.devices()})
    for line in sys.stdin:
        what, *rest = line.split()
        if what == "start":
            device = next(kind for kind in get_args(RenderDevice) if kind == rest[0])
            answer(probe.start(device))
        else:
            views = [int(view) for view in rest]
            answer(probe.apart(views) if what == "apart" else probe.beside(views))
    os._exit(0)  # Blender's own exit crashes.


if __name__ == "__main__":
    main()
