"""SAM-6D's procedure with BlenderProc's public calls, one view a request: what our figures are held against.

A process of its own: ``python -m bench.stock CAD OUTPUT GPUS RESOLUTION`` reads a view's index from each line of its standard
input, renders that view into OUTPUT from an empty scene, and answers with the CPU and wall seconds that it took as a line of JSON.
The radius of the CAD is taken from its vertices; the procedure's own, of random surface points, is another at each run.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np
import trimesh

from numpy.typing import NDArray

from render_actor.blender.session import bpy, start_session
from render_actor.contract.cameras import camera_poses
from render_actor.contract.scene import bounding_radius

# BlenderProc refuses to be imported before `render_actor.blender.session` has told it that this is allowed.
import blenderproc.api.camera as camera
import blenderproc.api.loader as loader
import blenderproc.api.material as material
import blenderproc.api.renderer as renderer
import blenderproc.api.types as types
import cv2
from blenderproc.python.utility.Initializer import clean_up


def _render(cad: Path, scale: float, pose: NDArray[np.float64], view: int, output: Path, resolution: int) -> None:
    clean_up()
    camera.set_resolution(resolution, resolution)
    blender_object = loader.load_obj(str(cad))[0]
    blender_object.set_scale([scale] * 3)
    blender_object.set_cp("category_id", 1)
    if not blender_object.get_materials():
        blender_object.new_material("plain")
    if blender_object.get_mesh().color_attributes and not blender_object.get_materials()[0].get_nodes_with_type("ShaderNodeVertexColor"):
        coloured = material.create("vertex colours")
        colours = coloured.new_node("ShaderNodeVertexColor")
        colours.layer_name = blender_object.get_mesh().color_attributes[0].name
        coloured.link(colours.outputs["Color"], coloured.get_the_one_node_with_type("BsdfPrincipled").inputs["Base Color"])
        blender_object.replace_materials(coloured)
    seen = pose.copy()
    seen[:3, 1:3] *= -1
    seen[:3, 3] *= 0.001 * 2
    camera.add_camera_pose(seen)
    light = types.Light()
    light.set_type("POINT")
    light.set_location(seen[:3, 3] * 2.5)
    light.set_energy(1000)
    renderer.set_max_amount_of_samples(50)
    data = renderer.render(verbose=True)
    data.update(renderer.render_nocs(verbose=True))
    nocs = np.asarray(data["nocs"][0])
    mask = nocs[..., 3] > 0.5
    xyz = np.where(mask[..., None], 2 * (nocs[..., :3] - 0.5), -1.0)
    cv2.imwrite(str(output / f"rgb_{view}.png"), np.asarray(data["colors"][0])[..., 2::-1])
    cv2.imwrite(str(output / f"mask_{view}.png"), mask.astype(np.uint8) * 255)
    np.save(output / f"xyz_{view}.npy", xyz.astype(np.float16))


def main() -> None:
    """Serve requests until standard input ends."""
    cad, output, num_gpus, resolution = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(output / "stock.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)  # Blender's own words.
    device = start_session(num_gpus=num_gpus, threads=len(os.sched_getaffinity(0)))
    vertices = trimesh.load(cad, force="mesh").vertices
    scale = 1 / (2 * bounding_radius(np.array([vertices.min(axis=0), vertices.max(axis=0)])))
    poses = camera_poses(0)
    print(json.dumps({"device": device, "blender": bpy.app.version_string}), file=answers, flush=True)
    for line in sys.stdin:
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        _render(cad, scale, poses[int(line)], int(line), output, resolution)
        after, wall = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - began
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(json.dumps({"cpu": cpu, "wall": wall}), file=answers, flush=True)
    os._exit(0)  # Blender's own exit crashes.


if __name__ == "__main__":
    main()
