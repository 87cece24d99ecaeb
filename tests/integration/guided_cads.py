"""CADs of all the kinds of surface that the guide has to know."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.cad_files import Shape, Surface, joined, write_obj, write_ply, write_stl
from bench.cad_shapes import box, drilled, gear, knot, sphere, turned
from render_actor.contract.types import CadMesh, TextureSlot
from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.parse import parse_cad
from tests.gltf_writer import GltfWriter
from tests.integration.conftest import ROOT
from tests.integration.gltf_looks import LOOKS, everything, write_looks

Made = Callable[[], CadMesh]


@dataclass(frozen=True)
class Case:
    """A CAD, and how it is shown."""

    name: str
    made: Made
    base_color: float | None = None
    normalize: bool = True
    recenter: bool = False
    axes: Literal["cad", "blender"] = "cad"
    views: tuple[int, ...] = (0, 5)

    def mesh(self) -> CadMesh:
        """Its arrays, under a key of its own."""
        return replace(self.made(), key=self.name)


def parsed(path: Path) -> CadMesh:
    """A file as the server reads it."""
    return parse_cad(path.read_bytes(), path.suffix, path.parent, CadLimits.from_settings(Settings())).mesh


def written(write: Callable[[Path], Path]) -> Made:
    """A file that is written and read."""

    def made() -> CadMesh:
        with tempfile.TemporaryDirectory() as folder:
            return parsed(write(Path(folder) / "cad"))

    return made


def example(name: str) -> Made:
    return lambda: parsed(ROOT / "examples" / name)


def ply(shape: Shape, colors: Any = None) -> Made:
    return written(lambda path: write_ply(path.with_suffix(".ply"), shape, colors))


def stl(shape: Shape) -> Made:
    return written(lambda path: write_stl(path.with_suffix(".stl"), shape))


def obj(*parts: tuple[Shape, Surface]) -> Made:
    return written(lambda path: write_obj(path.with_suffix(".obj"), parts))


def gltf(add: Callable[[GltfWriter], None]) -> Made:
    """A GLB of one of the looks."""
    return written(lambda path: write_looks(path.parent, {path.name: add})[0])


def changed(made: Made, change: Callable[[CadMesh], dict[str, Any]]) -> Made:
    """A mesh with other arrays."""

    def other() -> CadMesh:
        mesh = made()
        return replace(mesh, **change(mesh))

    return other


def chance(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    """Strong colours."""
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def printed(*shape: int, seed: int = 0) -> Made:
    """A box with an image whose texture coordinates are -0.8 to 1.9."""
    made = box(70, 60, 40)
    assert made.uv is not None
    return obj((Shape(made.vertices, made.faces, made.normals, made.uv * 2.7 - 0.8), Surface("Kd 1 1 1", chance(*shape, 3, seed=seed))))


def with_alpha(path: Path) -> Path:
    """As ``printed``; its image has an alpha channel that its material does not use."""
    made = box(70, 60, 40)
    write_obj(path.with_suffix(".obj"), [(made, Surface("Kd 1 1 1", chance(8, 8, 3)))])
    cv2.imwrite(str(path.with_name(f"{path.stem}_0.png")), chance(8, 8, 4))
    return path.with_suffix(".obj")


def with_textures(**slots: int) -> Callable[[CadMesh], dict[str, Any]]:
    """Other inputs that the image of a mesh drives."""
    textures: dict[TextureSlot, int] = slots  # type: ignore[assignment]
    return lambda mesh: {"materials": tuple(replace(material, textures=textures) for material in mesh.materials)}


def far_coordinates(mesh: CadMesh) -> dict[str, Any]:
    """The image repeats itself some hundred times before the object begins."""
    assert mesh.corner_uv is not None
    return {"corner_uv": mesh.corner_uv - np.float32(300)}


def half_flipped(mesh: CadMesh) -> dict[str, Any]:
    """Every other face shows its back."""
    faces = mesh.faces.copy()
    faces[::2] = faces[::2, ::-1]
    return {"faces": faces}


def bent_normals(mesh: CadMesh) -> dict[str, Any]:
    """Each corner has a normal of its own, which may be far from its face's."""
    assert mesh.corner_normals is not None
    bent = mesh.corner_normals + 0.5 * np.random.default_rng(2).normal(size=mesh.corner_normals.shape)
    return {"corner_normals": (bent / np.linalg.norm(bent, axis=-1, keepdims=True)).astype(np.float32)}


def contradicted(mesh: CadMesh) -> dict[str, Any]:
    """Many a face lies in another that has other normals: which of the two is seen is left to chance."""
    assert mesh.corner_normals is not None
    return {
        "faces": np.concatenate([mesh.faces, mesh.faces[::7]]),
        "corner_normals": np.concatenate([mesh.corner_normals, -mesh.corner_normals[::7]]),
        "face_materials": np.concatenate([mesh.face_materials, mesh.face_materials[::7]]),
    }


_WHEEL = gear(24, 30, 5, 12, 8)
_PLATE = drilled(4, 3, 20, 6, 12)
_BALL = sphere(12, 20, 40)
_BOX = box(70, 60, 40)
_SEVERAL = obj(
    (_BOX, Surface("Kd 1 1 1\nKs 0.5 0.5 0.5\nNs 300", chance(12, 9, 3))),
    (sphere(16, 24, 20).moved(0, 0, 30), Surface("Kd 0.7 0.05 0.02\nKs 1 1 1\nNs 900")),
    (gear(24, 12, 3, 8, 4).moved(30, 20, 26), Surface("Kd 0.01 0.01 0.01")),
    (sphere(8, 16, 9).moved(-30, -20, 26), Surface("Kd 0.2 0.3 0.8\nKe 1 0.5 0.2")),
)
_FAR = _WHEEL.moved(70, -50, 45)
_VERY_FAR = _WHEEL.moved(30_000, -5_000, 0)
_SMALL_KNOT = Shape(knot().vertices / 100, knot().faces, knot().normals)
_ONCE = (5,)

CASES = [
    Case("smooth normals", ply(knot())),
    Case("flat", stl(_WHEEL)),
    Case("vertex colours, flat", ply(_PLATE, chance(len(_PLATE.vertices), 3))),
    Case("vertex colours, smooth", ply(_BALL, chance(len(_BALL.vertices), 3)), views=_ONCE),
    Case("repeated texture", printed(10, 14)),
    Case("another texture in its place", printed(10, 14, seed=7)),
    Case("several materials", _SEVERAL),
    Case("crate", example("crate.obj"), views=_ONCE),
    Case("colorize", _SEVERAL, base_color=0.4),
    Case("colorize what can be looked through", obj((_BOX, Surface("Kd 0.8 0.9 0.9\nd 0.25"))), base_color=0.3, views=_ONCE),
    Case("far off", ply(_FAR, (90, 130, 170))),
    Case("very far off, recentred", stl(_VERY_FAR), recenter=True, views=_ONCE),
    Case("axes of Blender", _SEVERAL, axes="blender"),
    Case("not normalized", ply(_SMALL_KNOT), normalize=False),
    Case("larger than the picture", ply(Shape(_WHEEL.vertices / 20, _WHEEL.faces)), normalize=False, views=_ONCE),
    Case("image of one pixel", printed(1, 1), views=_ONCE),
    Case("image of one row", printed(1, 7), views=_ONCE),
    Case("image without coordinates", changed(printed(3, 3), lambda mesh: {"corner_uv": None}), views=_ONCE),
    Case("image far from its coordinates", changed(printed(8, 8), far_coordinates), views=_ONCE),
    Case("image with alpha that is not used", written(with_alpha), views=_ONCE),
    Case("bumps", changed(printed(8, 8), with_textures(base_color=0, bump=0)), views=_ONCE),
    Case("image of all but the colour", changed(printed(8, 8), with_textures(roughness=0, specular=0, emission=0)), views=_ONCE),
    Case("image and vertex colours", changed(_SEVERAL, lambda mesh: {"vertex_colors": chance(len(mesh.vertices), 4)}), views=_ONCE),
    Case("half of the faces flipped", changed(stl(_WHEEL), half_flipped), views=_ONCE),
    Case("half of the smooth faces flipped", changed(ply(knot()), half_flipped), views=_ONCE),
    Case("bent normals", changed(ply(knot()), bent_normals), views=_ONCE),
    Case("every face twice", stl(joined([_WHEEL, _WHEEL])), views=_ONCE),
    Case("looks of glTF", gltf(everything)),
    Case("mirrored image", gltf(LOOKS["mirrored"]), views=_ONCE),
    Case("open", ply(turned([(5, -20), (30, 20)], 48, close=False), (200, 50, 50)), views=_ONCE),
]
"""An image follows another in its place: Cycles must not keep the old one."""

GAINS = [Case("printed", printed(24, 24)), Case("holes", stl(drilled(8, 6, 10, 6, 6)))]
"""What the guide is made for."""

HARMLESS = [
    Case("smooth", ply(knot()), views=_ONCE),
    Case("metal", gltf(LOOKS["metal"]), views=_ONCE),
    Case("contradicted", changed(ply(knot()), contradicted), views=_ONCE),
]
"""Where it has little or nothing to tell."""
