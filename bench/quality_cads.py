"""The CADs that quality is measured on, of as many kinds as a renderer finds hard in different ways.

``python -m bench.quality_cads FOLDER`` writes them all, the same bytes each time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import hard_cads
from bench.cad_files import Shape, Surface, joined, write_obj, write_ply, write_stl
from bench.cad_shapes import box, drilled, gear, knot, knurled, lattice, loft, pits, rod, sphere, turned, wrapped
from bench.truth import REFERENCE

_SEED = 20261125
_READABLE = (".ply", ".obj", ".stl")


def fine_gear(path: Path) -> Path:
    """A gear with teeth finer than a pixel."""
    wheels = [gear(460, 40, 1.2, 6, 12), gear(300, 26, 1.0, 6, 12).moved(0, 0, 7), gear(160, 16, 0.8, 10, 6).moved(0, 0, -8)]
    return write_ply(path.with_suffix(".ply"), joined(wheels), (150, 150, 160))


def wire_lattice(path: Path) -> Path:
    """Wires thinner than a pixel."""
    return write_ply(path.with_suffix(".ply"), lattice(9, 80, 0.07), (210, 170, 90))


def brush(path: Path) -> Path:
    """Thousands of thin bristles of all colours."""
    chance = np.random.default_rng(_SEED)
    bristles = []
    for _ in range(2500):
        x, y = chance.uniform(-1, 1, 2) * (30, 12)
        lean = chance.normal(size=2) * 3
        bristles.append(rod((x, y, 0), (x + lean[0], y + lean[1], chance.uniform(28, 36)), 0.12, 4))
    handle = box(70, 30, 10).moved(0, 0, -5)
    colors = np.repeat(chance.integers(40, 256, (2500, 3)), 8, axis=0)
    shape = joined([*bristles, Shape(handle.vertices, handle.faces)])
    return write_ply(path.with_suffix(".ply"), shape, np.concatenate([colors, np.full((24, 3), (120, 70, 40))]))


def knurled_handle(path: Path) -> Path:
    """A knurled handle with a fine thread."""
    return write_stl(path.with_suffix(".stl"), knurled(14, 90, 420, 720))


def label_bottle(path: Path) -> Path:
    """A bottle with a printed label."""
    body = wrapped([(0.01, -50), (22, -50), (24, -47), *((24.0, z) for z in np.linspace(-44, 20, 9)), (21, 30), (9, 40), (9, 46)])
    cap = turned([(0.01, 46), (10.5, 46), (10.5, 58), (0.01, 58)], 64)
    return write_obj(
        path.with_suffix(".obj"), [(body, Surface("Kd 1 1 1\nKs 0.5 0.5 0.5\nNs 300", _print())), (cap, Surface("Kd 0.7 0.05 0.05"))]
    )


def checkerboard(path: Path) -> Path:
    """A box with checks of about two pixels."""
    y, x = np.mgrid[0:1024, 0:1024] // 8
    image = np.where(((x + y) % 2 == 0)[..., None], [240, 240, 235], [20, 20, 60]).astype(np.uint8)
    return write_obj(path.with_suffix(".obj"), [(box(70, 70, 40), Surface("Kd 1 1 1\nKs 0.2 0.2 0.2\nNs 100", image))])


def noise_colors(path: Path) -> Path:
    """A rough ball whose every vertex has another strong colour."""
    vertices, faces = hard_cads.ball(50_000)
    colors = np.random.default_rng(_SEED).integers(0, 2, (len(vertices), 3)) * 255
    return write_ply(path.with_suffix(".ply"), Shape(vertices, faces.astype(np.int64)), colors)


def glossy_knot(path: Path) -> Path:
    """A polished plastic knot: sharp highlights."""
    return write_obj(path.with_suffix(".obj"), [(knot(), Surface("Kd 0.6 0.1 0.1\nKs 0.8 0.8 0.8\nNs 900"))])


def mirror_parts(path: Path) -> Path:
    """Balls and a plate that mirror each other."""
    balls = [sphere(48, 96, 14).moved(28 * np.cos(a), 28 * np.sin(a), 0) for a in np.linspace(0, 2 * np.pi, 6, endpoint=False)]
    plate = box(90, 90, 4).moved(0, 0, -16)
    mirror = "Kd 0.05 0.05 0.06\nKs 1 1 1\nNs 1000"
    return write_obj(path.with_suffix(".obj"), [(joined(balls), Surface(mirror)), (Shape(plate.vertices, plate.faces), Surface(mirror))])


def white_cavities(path: Path) -> Path:
    """A white block with deep narrow pits: light gets out after many bounces."""
    return write_obj(path.with_suffix(".obj"), [(pits(9, 9, 9, 3.6, 40), Surface("Kd 1 1 1\nKs 0.5 0.5 0.5\nNs 10"))])


def black_knot(path: Path) -> Path:
    """Black rubber."""
    return write_ply(path.with_suffix(".ply"), knot(10), (8, 8, 8))


def million_faces(path: Path) -> Path:
    """A scan of a million faces, finer than a pixel."""
    vertices, faces = hard_cads.ball(1_000_000)
    stripes = (128 + 90 * np.sin(vertices / 4)).astype(np.int64)
    return write_ply(path.with_suffix(".ply"), Shape(vertices, faces.astype(np.int64)), stripes)


def tiny(path: Path) -> Path:
    """A body of some twenty pixels with a speck far away from it, as exports have them."""
    body = joined([gear(24, 6, 1, 3, 2), drilled(3, 2, 3, 1, 4).moved(0, 0, 5)])
    speck = Shape(np.array([[110.0, 60, 20], [110.5, 60, 20], [110, 60.5, 20.5]]), np.array([[0, 1, 2]]))
    return write_ply(path.with_suffix(".ply"), joined([body, speck]), (190, 120, 60))


def long_rod(path: Path) -> Path:
    """A threaded rod, long and thin."""
    z, angle = np.linspace(-100, 100, 1200), np.linspace(0, 2 * np.pi, 32, endpoint=False)
    turns, up = np.meshgrid(angle, z)
    r = 2.4 + 0.6 * np.abs((up + turns / (2 * np.pi)) % 1 - 0.5)
    return write_ply(path.with_suffix(".ply"), loft(np.stack([r * np.cos(turns), r * np.sin(turns), up], -1), close=False), (170, 170, 175))


def filling_cube(path: Path) -> Path:
    """A rough cube that fills the picture."""
    side, shapes = 80.0, []
    u, v = np.meshgrid(np.linspace(-1, 1, 120), np.linspace(-1, 1, 120))
    row, column = (index.ravel() for index in np.mgrid[0:119, 0:119])
    a = row * 120 + column
    faces = np.concatenate([np.stack([a, a + 1, a + 120], -1), np.stack([a + 1, a + 121, a + 120], -1)])
    for axis in range(3):
        for sign in (-1.0, 1.0):
            level = sign * (1 - 0.02 * (1 + np.sin(17 * u) * np.cos(13 * v)) * (np.abs(u) < 0.98) * (np.abs(v) < 0.98))
            shapes.append(Shape(np.roll(np.stack([level.ravel(), u.ravel(), v.ravel()], -1), axis, axis=1) * side / 2, faces))
    shape = joined(shapes)
    return write_ply(path.with_suffix(".ply"), shape, (150 + 80 * np.sin(shape.vertices / 9)).astype(np.int64))


def far_off(path: Path) -> Path:
    """A part three of its lengths away from its origin."""
    shape = joined([drilled(5, 3, 8, 2.6, 12), turned([(6, 6), (10, 6), (10, 26), (6, 26)], 48)])
    return write_ply(path.with_suffix(".ply"), shape.moved(70, -50, 45), (90, 130, 170))


def drilled_block(path: Path) -> Path:
    """A plain block with holes, without colours."""
    return write_stl(path.with_suffix(".stl"), drilled(4, 3, 20, 6, 30))


def flat_plate(path: Path) -> Path:
    """A sheet of half a millimetre with slots' edges, and nothing else."""
    return write_ply(path.with_suffix(".ply"), drilled(10, 6, 10, 1.5, 0.5), (120, 140, 120))


def glass(path: Path) -> Path:
    """A glass-like vessel with something in it."""
    vessel = turned([(0.01, -30), (30, -30), (30, 30), (27, 30), (27, -27), (0.01, -27)], 96, close=False)
    return write_obj(
        path.with_suffix(".obj"),
        [(vessel, Surface("Kd 0.8 0.9 0.9\nKs 1 1 1\nNs 900\nd 0.25")), (gear(40, 20, 3, 20, 6), Surface("Kd 0.8 0.4 0.1"))],
    )


def many_parts(path: Path) -> Path:
    """An assembly of some hundred balls of different colours."""
    vertices, faces = hard_cads.parts(250_000)
    each = len(hard_cads.parts(1)[0])
    colors = np.random.default_rng(_SEED).integers(20, 256, (len(vertices) // each + 1, 3)).repeat(each, axis=0)[: len(vertices)]
    return write_ply(path.with_suffix(".ply"), Shape(vertices, faces.astype(np.int64)), colors)


def lamp(path: Path) -> Path:
    """A lamp: a part of it glows and lights the rest."""
    shade = turned([(12, 0), (40, -25), (41, -24), (13, 1)], 96)
    foot = turned([(0.01, -45), (25, -45), (25, -41), (3, -40), (3, 0), (0.01, 0)], 64)
    bulb = sphere(32, 64, 9).moved(0, 0, -14)
    return write_obj(
        path.with_suffix(".obj"),
        [
            (shade, Surface("Kd 0.2 0.5 0.3")),
            (foot, Surface("Kd 0.7 0.7 0.7\nKs 0.5 0.5 0.5\nNs 400")),
            (bulb, Surface("Kd 0.8 0.8 0.8\nKe 1 0.8 0.5")),
        ],
    )


def assembly(path: Path) -> Path:
    """A board with print, glossy pins, black chips and fine wires."""
    pins = [rod((x, y, -6), (x, y, 8), 0.35, 12).smooth() for x in np.arange(-38, 39, 2.54) for y in (-24.0, -21.5)]
    chips = [box(12, 8, 3).moved(x, y, 2.5) for x in (-25, -5, 15) for y in (-5, 10)]
    wires = [rod((x, 24, 1), (x * 0.6, 0, 14), 0.2, 6) for x in np.linspace(-40, 40, 24)]
    wheel = gear(120, 12, 0.8, 5, 3).moved(30, 12, 4)
    return write_obj(
        path.with_suffix(".obj"),
        [
            (box(90, 60, 1.6), Surface("Kd 1 1 1\nKs 0.4 0.4 0.4\nNs 200", _print())),
            (joined(pins), Surface("Kd 0.8 0.6 0.2\nKs 1 1 1\nNs 400")),
            (joined([Shape(chip.vertices, chip.faces) for chip in chips]), Surface("Kd 0.01 0.01 0.01\nKs 0.3 0.3 0.3\nNs 50")),
            (joined(wires), Surface("Kd 0.8 0.1 0.1")),
            (wheel, Surface("Kd 0.9 0.9 0.9")),
        ],
    )


def _print() -> NDArray[np.uint8]:
    """1024 x 1024 of lines of letter-like signs on coloured fields."""
    chance = np.random.default_rng(_SEED)
    image = np.full((1024, 1024, 3), (235, 230, 215), dtype=np.uint8)
    image[120:300, :] = (30, 70, 150)
    image[700:760, :] = (180, 40, 40)
    for top, size in ((140, 16), (330, 4), (380, 4), (430, 3), (480, 3), (530, 6), (620, 3), (800, 2), (850, 2), (900, 4)):
        ink = (250, 250, 250) if top < 300 else (25, 25, 30)
        for left in range(20, 1000 - 6 * size, 6 * size):
            sign = (chance.random((7, 5)) < 0.5).repeat(size, axis=0).repeat(size, axis=1)
            if chance.random() < 0.85:
                image[top : top + 7 * size, left : left + 5 * size][sign] = ink
    return image


KINDS: dict[str, Callable[[Path], Path]] = {
    made.__name__: made
    for made in (
        fine_gear,
        wire_lattice,
        brush,
        knurled_handle,
        label_bottle,
        checkerboard,
        noise_colors,
        glossy_knot,
        mirror_parts,
        white_cavities,
        black_knot,
        million_faces,
        tiny,
        long_rod,
        filling_cube,
        far_off,
        drilled_block,
        flat_plate,
        glass,
        many_parts,
        lamp,
        assembly,
    )
}
"""The makers by name; each writes one file (an OBJ with what belongs to it) and returns its path."""


def write(name: str, folder: Path) -> Path:
    """Write one CAD of ``KINDS``; returns its file."""
    folder.mkdir(parents=True, exist_ok=True)
    return KINDS[name](folder / name)


def reference_cads() -> dict[str, Path]:
    """CADs of other origin, where they lie beside the project, by name; those of which the stock procedure shows the whole."""
    found = [REFERENCE / f"{REFERENCE.name}.ply", *sorted((REFERENCE.parent / "cads").glob("*"))]
    return {path.stem.lower(): path for path in found if path.suffix.lower() in _READABLE and path.exists() and _is_one_object(path)}


def _is_one_object(path: Path) -> bool:
    """Whether a CAD is one object for Blender's importer: the stock procedure takes the first alone."""
    return path.suffix.lower() != ".obj" or path.read_bytes().count(b"\no ") < 2


if __name__ == "__main__":
    for kind in KINDS:
        sys.stdout.write(f"{write(kind, Path(sys.argv[1]))}\n")
