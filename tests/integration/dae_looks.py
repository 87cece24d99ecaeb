"""Writes COLLADA files with one kind of look each, for ``import_likeness``: ``python -m tests.integration.dae_looks FOLDER``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike

from bench.cad_files import Shape
from bench.cad_shapes import box, sphere
from tests.cads.dae import document, geometry, image, instance, materials, node, source
from tests.integration.gltf_looks import blots

_BOX, _BALL = box(70, 60, 40), sphere(30, 40, 24)
_METRES = '<unit name="meter" meter="1"/><up_axis>Z_UP</up_axis>'


def shaped(name: str, shape: Shape, material: str = "") -> str:
    """A geometry of a shape in metres, with its normals and texture coordinates."""
    sources, inputs, offset = "", "", 1
    columns = [shape.faces]
    for semantic, values, axes in (("NORMAL", shape.normals, "XYZ"), ("TEXCOORD", shape.uv, "ST")):
        if values is not None:
            sources += source(f"{name}-{semantic}", values, axes)
            inputs += f'<input semantic="{semantic}" source="#{name}-{semantic}" offset="{offset}"/>'
            offset += 1
            columns.append(shape.faces)
    indices = np.stack(columns, axis=-1).ravel().tolist()
    polygons = shape.faces.tolist()
    return geometry(name, shape.vertices / 1000, polygons, material=material, sources=sources, inputs=inputs, indices=indices)


def plain(shape: Shape, after: str = "", asset: str = _METRES) -> bytes:
    """A shape of one material, with XML after its diffuse colour."""
    made = materials(paint="<color>0.8 0.3 0.1 1</color>")
    made = made.replace("</diffuse>", f"</diffuse>{after}")
    return document(shaped("made", shape, "paint"), node("made", instance("made", "paint")), asset, made)


def _matrix(linear: ArrayLike, shift: Sequence[float]) -> list[list[float]]:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = linear, shift
    return matrix.tolist()


def instances() -> bytes:
    """One geometry many times: turned, stretched, mirrored, below other nodes; and one by ``instance_node``."""
    blue, red = "<color>0.1 0.2 0.8 1</color>", "<color>0.7 0.05 0.02 1</color>"
    inner = node("inner", instance("ball", "red"), _matrix(np.diag([-1, 0.7, 1.3]), (0.1, 0, 0)))
    outer = node("outer", instance("box", "blue") + inner, _matrix([[0, -0.8, 0], [0.8, 0, 0], [0, 0, 0.8]], (0, 0.12, 0)))
    mirrored = node("mirrored", instance("ball", "blue"), _matrix(np.diag([1, 1, -1]), (0, -0.1, 0)))
    return document(shaped("box", _BOX, "blue") + shaped("ball", _BALL), outer + mirrored, _METRES, materials(blue=blue, red=red))


def polygons() -> bytes:
    """A plate with a concave outline, and its sides: no two of its polygons have as many corners."""
    outline = np.array([(0, 0), (60, 0), (60, 50), (40, 50), (40, 20), (20, 20), (20, 50), (0, 50)], dtype=float)
    corners = np.concatenate([np.pad(outline, ((0, 0), (0, 1)), constant_values=height) for height in (0, 15)]) / 1000
    count = len(outline)
    sides = [[i, (i + 1) % count, (i + 1) % count + count, i + count] for i in range(count)]
    faces = [list(range(count))[::-1], list(range(count, 2 * count)), *sides]
    # Blender would make a smooth surface of one without normals.
    across = [np.cross(corners[face[1]] - corners[face[0]], corners[face[2]] - corners[face[1]]) for face in faces]
    across[0], across[1] = np.array([0, 0, -1.0]), np.array([0, 0, 1.0])
    normals = source("plate-normals", [vector / np.linalg.norm(vector) for vector in across], "XYZ")
    inputs = '<input semantic="NORMAL" source="#plate-normals" offset="1"/>'
    indices = [number for place, face in enumerate(faces) for corner in face for number in (corner, place)]
    made = geometry("plate", corners, faces, material="paint", sources=normals, inputs=inputs, indices=indices)
    return document(made, node("plate", instance("plate", "paint")), _METRES, materials(paint="<color>0.3 0.6 0.2 1</color>"))


_SHINE = "<specular><color>0.8 0.2 0.1 1</color></specular>"
_GLASS = '<transparent opaque="A_ONE"><color>1 1 1 0.4</color></transparent><transparency><float>1</float></transparency>'
_Y_UP = _METRES.replace("Z_UP", "Y_UP")
_INCH = _METRES.replace('name="meter" meter="1"', 'name="inch" meter="0.0254"')


def write_looks(folder: Path, names: Sequence[str] = ()) -> list[Path]:
    """Write some of them, or all."""
    cv2.imwrite(str(folder / "blots.png"), blots(3))
    textured = '<texture texture="sampler" texcoord="UV"/>'
    boxed = document(
        shaped("made", _BOX, "paint"), node("made", instance("made", "paint")), _METRES, image("blots.png") + materials(paint=textured)
    )
    looks = {
        "color": plain(_BALL),
        "flat": plain(_BALL.flat()),
        "image": boxed,
        "shiny": plain(_BALL, after=_SHINE).replace(b"lambert", b"phong"),
        "opacity": plain(_BALL, after=_GLASS),
        "y_up": plain(_BOX, asset=_Y_UP),
        "inch": plain(_BALL, asset=_INCH),
        "instances": instances(),
        "polygons": polygons(),
    }
    paths = []
    for name, data in looks.items():
        if names and name not in names:
            continue
        paths.append(folder / f"{name}.dae")
        paths[-1].write_bytes(data)
    return paths


if __name__ == "__main__":
    write_looks(Path(sys.argv[1]))
