"""Prints, for each CAD given, the PSNR between our mesh from arrays and Blender's own import (BlenderProc's for the older formats).

Run as a process of its own, since Blender wants the main thread: ``python -m tests.integration.import_likeness CAD ...``
"""

from __future__ import annotations

import dataclasses
import math
import os
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from render_actor.blender.scene import BlenderScene
from render_actor.blender.session import Matrix, bpy, start_session
from render_actor.blender.warm_meshes import WarmMesh
from render_actor.contract.scene import Sampling
from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.parse import parse_cad
from tests.unit.render_actor.view.test_xyz_raycast import scene_for


def imported(path: Path) -> Any:
    """The file as one Blender object, taken out of the scene, in the CAD's own axes."""
    if path.suffix in (".glb", ".gltf", ".dae"):
        return imported_scene(path)
    return imported_mesh(path)


def imported_mesh(path: Path) -> Any:
    """A file of one of the older formats, as BlenderProc imports it."""
    from blenderproc.python.loader.ObjectLoader import load_obj  # Only render_actor.blender.session makes BlenderProc importable.

    bpy.ops.object.select_all(action="DESELECT")
    axes = {"forward_axis": "Y", "up_axis": "Z"} if path.suffix == ".obj" else {}
    objects = [loaded.blender_obj for loaded in load_obj(str(path), **axes)]
    for one in objects:
        one.select_set(True)
    bpy.context.view_layer.objects.active = objects[0]
    if len(objects) > 1:
        bpy.ops.object.join()
    joined = bpy.context.view_layer.objects.active
    bpy.context.scene.collection.objects.unlink(joined)
    return joined


def imported_scene(path: Path) -> Any:
    """A glTF or COLLADA file as Blender imports it, turned back: an empty object that shows all of it, as it is, by a collection.

    Nothing is joined, so that what Blender makes of mirrored instances stays its own.
    """
    before = set(bpy.data.objects)
    back = _import_dae(path) if path.suffix == ".dae" else _import_gltf(path)
    made = bpy.data.collections.new(path.stem)
    for one in set(bpy.data.objects) - before:
        for collection in list(one.users_collection):
            collection.objects.unlink(one)
        if one.type in ("MESH", "EMPTY"):
            made.objects.link(one)
        if one.parent is None:
            one.matrix_world = back @ one.matrix_world
    shown = bpy.data.objects.new(path.stem, None)
    shown.instance_type, shown.instance_collection = "COLLECTION", made
    return shown


def _import_gltf(path: Path) -> Any:
    """Import; gives what turns it back."""
    bpy.ops.preferences.addon_enable(module="io_scene_gltf2")
    bpy.ops.import_scene.gltf(filepath=str(path))
    return Matrix.Rotation(-math.pi / 2, 4, "X")


def _import_dae(path: Path) -> Any:
    """Import; gives what turns it back, and undoes Blender's metres."""
    text = path.read_text()
    bpy.ops.wm.collada_import(filepath=str(path))
    metres = float(text.partition('meter="')[2].partition('"')[0])
    return Matrix.Scale(1 / metres, 4) @ Matrix.Rotation(-math.pi / 2 if "Y_UP" in text else 0.0, 4, "X")


def likeness(scene: BlenderScene, path: Path) -> float:
    """Smallest PSNR over some views, in dB, over the object's pixels. The pictures go to the folder LIKENESS_PICTURES, if that is set."""
    mesh = parse_cad(path.read_bytes(), path.suffix, path.parent, CadLimits.from_settings(Settings())).mesh
    ours = scene.meshes.load(mesh)
    theirs = dataclasses.replace(mesh, key="imported")
    scene.meshes.add(WarmMesh(theirs, imported(path), ours.coordinates))
    template_scene = scene_for(mesh.vertices, sampling=Sampling(samples=32))
    scores = []
    for view in (1, 9, 20, 33):
        pictures = []
        for key in (mesh.key, "imported"):
            scene.show(key, template_scene)
            mask, _ = scene.mask_and_xyz(template_scene, view)
            picture, _ = scene.rgb(template_scene, view, mask)
            pictures.append(picture.astype(np.float64))
        if os.environ.get("LIKENESS_PICTURES"):
            both = np.concatenate(pictures, axis=1)[..., ::-1]
            cv2.imwrite(f"{os.environ['LIKENESS_PICTURES']}/{path.stem}_{view}.png", both)
        error = float(((pictures[0] - pictures[1])[mask] ** 2).mean())
        scores.append(10 * np.log10(255**2 / max(error, 1e-12)))
    return min(scores)


if __name__ == "__main__":
    start_session(threads=2)
    blender_scene = BlenderScene(max_meshes=99)
    results = [f"{Path(name).name} {likeness(blender_scene, Path(name).resolve()):.1f}" for name in sys.argv[1:]]
    os.write(2, ("\n" + "\n".join(results) + "\n").encode())
    os._exit(0)  # Blender crashes when its interpreter ends in order.
