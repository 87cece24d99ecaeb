"""Writes one object in every format, for ``bench.cad_formats``: ``python -m tests.cads.write_set FOLDER [FACES]``."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import trimesh

from tests.cads.iges import IgesFile
from tests.cads.meshes import MESHES
from tests.cads.step import Prism, StepFile, rectangle
from tests.gltf_writer import simple

_HOLES = 64
_BOXES = 100


def write_set(folder: Path, faces: int) -> list[Path]:
    """A ball of about so many faces as a mesh; and, of exact surfaces, a plate with holes (STEP) and many boxes (IGES)."""
    folder.mkdir(parents=True, exist_ok=True)
    around = max(8, round(math.sqrt(faces / 2)))
    ball = trimesh.creation.uv_sphere(radius=50, count=[around // 2, around])
    files = {f"ball{suffix}": write(ball) for suffix, write in MESHES.items()}
    files |= {"ball.glb": simple(ball).glb(), "ball.gltf": simple(ball).gltf()}
    step, iges, side = StepFile(), IgesFile(), math.isqrt(_HOLES)
    holes = [(20.0 * (i % side) - 10 * side + 10, 20.0 * (i // side) - 10 * side + 10, 6.0) for i in range(_HOLES)]
    step.part("plate", Prism(rectangle(20 * side, 20 * side), 10, holes))
    for number in range(_BOXES):
        iges.box((3 * number, 0, 0), (3 * number + 2, 20, 10))
    files |= {"plate.step": step.text(), "boxes.igs": iges.text()}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in files]


if __name__ == "__main__":
    for path in write_set(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100_000):
        print(path)  # noqa: T201
