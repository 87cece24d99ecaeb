"""Makes the CADs in this folder: ``python -m examples.make_examples`` in the project's folder. Units are mm."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image

from tests.cads.step import Prism, StepFile, rectangle

FOLDER = Path(__file__).parent


def grid_faces(rows: int, columns: int, *, close_rows: bool = True) -> NDArray[np.int64]:
    """Triangles of a grid of points whose columns, and if asked its rows, close on themselves: (F, 3)."""
    faces = []
    for i in range(rows if close_rows else rows - 1):
        for j in range(columns):
            a, b = i * columns + j, i * columns + (j + 1) % columns
            c, d = ((i + 1) % rows) * columns + j, ((i + 1) % rows) * columns + (j + 1) % columns
            faces += [(a, c, b), (b, c, d)]
    return np.array(faces)


def knot() -> trimesh.Trimesh:
    """A tube along a trefoil knot, 120 mm across, coloured along its length; it shadows itself."""
    along, around = 240, 24
    t = np.linspace(0, 2 * np.pi, along, endpoint=False)
    centre = np.stack([np.sin(t) + 2 * np.sin(2 * t), np.cos(t) - 2 * np.cos(2 * t), -np.sin(3 * t)], axis=1) * 18
    tangent = np.roll(centre, -1, axis=0) - np.roll(centre, 1, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    side = np.cross(tangent, [0.0, 0.0, 1.0])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(side, tangent)
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    ring = side[:, None] * np.cos(angle)[None, :, None] + up[:, None] * np.sin(angle)[None, :, None]
    vertices = (centre[:, None] + ring * 8).reshape(-1, 3)
    wave = np.stack([np.sin(t), np.sin(t + 2.1), np.sin(t + 4.2)], axis=1) * 90 + 140
    colors = np.repeat(np.concatenate([wave, np.full((along, 1), 255)], axis=1).astype(np.uint8), around, axis=0)
    mesh = trimesh.Trimesh(vertices, grid_faces(along, around), vertex_colors=colors, process=False)
    mesh.fix_normals()
    return mesh


def flange() -> trimesh.Trimesh:
    """A turned flange of 80 mm with a bore, and a key on one side that makes its pose unique."""
    profile = np.array([(9, -12), (40, -12), (40, -4), (18, -4), (18, 20), (9, 20)], dtype=float)
    around = 96
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    rings = [np.stack([r * np.cos(angle), r * np.sin(angle), np.full(around, z)], axis=1) for r, z in profile]
    body = trimesh.Trimesh(np.concatenate(rings), grid_faces(len(profile), around), process=False)
    key = trimesh.creation.box(extents=(10, 8, 16))
    key.apply_translation((22, 0, 4))
    mesh = trimesh.util.concatenate([body, key])
    mesh.fix_normals()
    return mesh


def label() -> bytes:
    """A PNG of 256 x 256: coloured quarters under a fine pattern, so that a flipped texture shows."""
    y, x = np.mgrid[0:256, 0:256]
    image = np.zeros((256, 256, 3), dtype=np.uint8)
    for corner, color in zip(((0, 0), (0, 1), (1, 0), (1, 1)), ((200, 60, 50), (60, 150, 80), (60, 90, 190), (220, 190, 70)), strict=True):
        image[(y // 128 == corner[0]) & (x // 128 == corner[1])] = color
    image[((x // 16) + (y // 16)) % 2 == 0] = (image[((x // 16) + (y // 16)) % 2 == 0] * 0.7).astype(np.uint8)
    image[(np.abs(x - y) < 6) & (x < 128)] = 245
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def crate_obj() -> str:
    """A crate of 70 x 50 x 40 mm with a textured body and a plain lid, as two objects, with relative indices."""
    corners = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    boxes = [("body", (70.0, 50.0, 34.0), (-35.0, -25.0, -20.0)), ("lid", (74.0, 54.0, 6.0), (-37.0, -27.0, 14.0))]
    lines = ["# made by make_examples.py", "mtllib crate.mtl"]
    for name, size, low in boxes:
        lines.append(f"o {name}")
        lines += ["v {:g} {:g} {:g}".format(*(corner * size + low)) for corner in corners]
        lines += ["vt 0 0", "vt 1 0", "vt 1 1", "vt 0 1", f"usemtl {name}"]
        lines += ["f " + " ".join(f"{corner - 8}/{uv - 4}" for uv, corner in enumerate(quad)) for quad in quads]
    return "\n".join(lines) + "\n"


CRATE_MTL = """# made by make_examples.py
newmtl body
Kd 0.8 0.8 0.8
Ks 0.1 0.1 0.1
Ns 40
map_Kd crate.png

newmtl lid
Kd 0.05 0.12 0.3
Ks 0.3 0.3 0.3
Ns 200
"""


def bracket_step() -> bytes:
    """A bearing bracket of 110 x 80 x 78 mm as an assembly: a base plate, an upright with a bore, and four screws."""
    file = StepFile(name="bracket")
    spots = [(-43.0, -28.0), (43.0, -28.0), (43.0, 28.0), (-43.0, 28.0)]
    base = Prism(rectangle(110, 80), 10, holes=[(x, y, 4.5) for x, y in spots], color=(0.16, 0.2, 0.26))
    # Drawn upright: the second coordinate of its outline is the height over the base.
    outline = [(-34.0, 0.0), (34.0, 0.0), (26.0, 52.0), (14.0, 68.0), (-14.0, 68.0), (-26.0, 52.0)]
    upright = Prism(outline, 16, holes=[(0.0, 40.0, 15.0)], color=(0.55, 0.57, 0.6), face_colors={"hole 0": (0.75, 0.6, 0.2)})
    around = np.arange(6) * np.pi / 3
    head = Prism([(8 * float(np.cos(angle)), 8 * float(np.sin(angle))) for angle in around], 5.5, color=(0.72, 0.1, 0.08))
    parts = {name: file.part(name, prism) for name, prism in (("base", base), ("upright", upright), ("screw", head))}
    up, along = (0, 0, 1), (1, 0, 0)
    bottom = -36.0  # The cameras look at the origin.
    placed = [(parts["base"], (0, 0, bottom), up, along), (parts["upright"], (0, 8, bottom + 10), (0, -1, 0), along)]
    placed += [(parts["screw"], (*spot, bottom + 10), up, along) for spot in spots]
    file.assembly("bracket", placed)
    return file.text()


def main() -> None:
    """Write every example beside this script."""
    knot().export(FOLDER / "knot.ply", encoding="binary", vertex_normal=True)
    flange().export(FOLDER / "flange.stl")
    (FOLDER / "crate.obj").write_text(crate_obj())
    (FOLDER / "crate.mtl").write_text(CRATE_MTL)
    (FOLDER / "crate.png").write_bytes(label())
    (FOLDER / "bracket.step").write_bytes(bracket_step())


if __name__ == "__main__":
    main()
