"""Writes GLBs with one kind of look each, for ``import_likeness``: ``python -m tests.integration.gltf_looks FOLDER``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.cad_files import Shape
from bench.cad_shapes import box, knot, sphere
from tests.gltf_writer import GltfWriter, png

_BOX, _BALL = box(70, 60, 40), sphere(30, 40, 24)


def blots(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    """Colours or numbers that change slowly, so that a picture of 32 samples tells how they are read."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, *shape), dtype=np.uint8)
    return np.asarray(cv2.resize(small, (48, 48), interpolation=cv2.INTER_CUBIC))


def uses(writer: GltfWriter, extension: str) -> None:
    """Declare an extension."""
    writer.header.setdefault("extensionsUsed", []).append(extension)


def shaped(writer: GltfWriter, shape: Shape, material: int | None, **attributes: int) -> int:
    """Add a shape in metres, with its normals and texture coordinates."""
    if shape.normals is not None:
        attributes["NORMAL"] = writer.accessor(shape.normals)
    if shape.uv is not None:
        attributes["TEXCOORD_0"] = writer.accessor(np.stack([shape.uv[:, 0], 1 - shape.uv[:, 1]], axis=1))
    return writer.mesh(writer.primitive(shape.vertices / 1000, shape.faces, material, **attributes))


def textured(writer: GltfWriter, change: Callable[[int], dict[str, Any]], pixels: NDArray[np.uint8] | None = None, **sampler: int) -> None:
    """A box whose material uses an image as ``change`` says."""
    texture = writer.texture(png(blots(3) if pixels is None else pixels), **sampler)
    material = writer.material(**change(texture))
    writer.node(mesh=shaped(writer, _BOX, material))


def plain(writer: GltfWriter, **material: Any) -> None:
    """A ball of one material."""
    writer.node(mesh=shaped(writer, _BALL, writer.material(**material)))


def _rough(**more: Any) -> dict[str, Any]:
    return {"metallicFactor": 0.0, "roughnessFactor": 0.7, **more}


def vertex_colors(writer: GltfWriter, kind: str, columns: int, *, image: bool = False) -> None:
    """A ball whose vertex colours meet a factor, and perhaps an image."""
    count = len(_BALL.vertices)
    waves = 0.5 + 0.5 * np.sin(_BALL.vertices / 9 + np.arange(3))
    colors = np.concatenate([waves, np.ones((count, columns - 3))], axis=1)
    colors = colors if kind == "float32" else (colors * np.iinfo(kind).max).round()
    factors = _rough(baseColorFactor=[0.9, 0.6, 0.8, 1.0])
    if image:
        factors["baseColorTexture"] = {"index": writer.texture(png(blots(3)))}
    accessor = writer.accessor(colors, kind, normalized=kind != "float32")
    uv = writer.accessor(_BALL.vertices[:, :2] / 60 + 0.5)
    writer.node(mesh=writer.mesh(_primitive(writer, _BALL, writer.material(factors=factors), COLOR_0=accessor, TEXCOORD_0=uv)))


def _primitive(writer: GltfWriter, shape: Shape, material: int | None, **attributes: int) -> dict[str, Any]:
    normals = {} if shape.normals is None else {"NORMAL": writer.accessor(shape.normals)}
    return writer.primitive(shape.vertices / 1000, shape.faces, material, **normals, **attributes)


def mixed_colors(writer: GltfWriter) -> None:
    """Parts with vertex colours, one without a material, and parts without."""
    colors = writer.accessor(0.5 + 0.5 * np.cos(_BALL.vertices / 7))
    red = writer.material(factors=_rough(baseColorFactor=[0.7, 0.05, 0.02, 1]))
    writer.node(mesh=writer.mesh(_primitive(writer, _BALL, None, COLOR_0=colors)))
    writer.node(mesh=shaped(writer, _BOX, red), translation=[0.08, 0, 0])
    grey = writer.material(factors=_rough(baseColorFactor=[0.3, 0.3, 0.3, 1]))
    writer.node(mesh=shaped(writer, _BOX, grey), translation=[0, 0.08, 0])


def instances(writer: GltfWriter) -> None:
    """One mesh many times: turned, stretched, mirrored, below other nodes."""
    blue = writer.material(factors=_rough(baseColorFactor=[0.1, 0.2, 0.8, 1]))
    image = writer.material(factors=_rough(baseColorTexture={"index": writer.texture(png(blots(3)))}))
    made, boxed = shaped(writer, knot(), blue), shaped(writer, _BOX, image)
    inner = writer.node(root=False, mesh=boxed, translation=[0.1, 0, 0], scale=[-1, 0.7, 1.3])
    turned = writer.node(root=False, mesh=made, rotation=[0, 0.6, 0, 0.8], children=[inner])
    writer.node(translation=[0, 0.12, 0], scale=[0.6, 0.6, 0.6], children=[turned])
    writer.node(mesh=made, scale=[-0.5, 0.5, 0.5])
    writer.node(mesh=boxed, matrix=[0, 0.8, 0, 0, -0.8, 0, 0, 0, 0, 0, 0.8, 0, -0.1, -0.05, 0.02, 1])


def unlit(writer: GltfWriter) -> None:
    """An image that no lamp changes."""
    textured(
        writer,
        lambda texture: {
            "factors": {"baseColorTexture": {"index": texture}, "baseColorFactor": [0.8, 0.9, 1, 1]},
            "extensions": {"KHR_materials_unlit": {}},
        },
    )
    uses(writer, "KHR_materials_unlit")


def emissive(writer: GltfWriter, strength: float) -> None:
    """An image that shines."""
    textured(
        writer,
        lambda texture: {
            "factors": _rough(baseColorFactor=[0.1, 0.1, 0.1, 1]),
            "emissiveTexture": {"index": texture},
            "emissiveFactor": [0.6, 0.3, 0.9],
            "extensions": {"KHR_materials_emissive_strength": {"emissiveStrength": strength}},
        },
    )
    uses(writer, "KHR_materials_emissive_strength")


def moved_image(writer: GltfWriter) -> None:
    """An image that is scaled, turned and moved."""
    transform = {"offset": [0.3, -0.2], "rotation": 0.4, "scale": [1.7, 0.6]}
    textured(
        writer, lambda texture: {"factors": _rough(baseColorTexture={"index": texture, "extensions": {"KHR_texture_transform": transform}})}
    )
    uses(writer, "KHR_texture_transform")


def second_set(writer: GltfWriter) -> None:
    """An image by the second set of texture coordinates."""
    assert _BOX.uv is not None
    factors = _rough(baseColorTexture={"index": writer.texture(png(blots(3))), "texCoord": 1})
    first, second = writer.accessor(_BOX.uv), writer.accessor(0.5 * _BOX.uv[:, ::-1] + 0.1)
    writer.node(mesh=writer.mesh(_primitive(writer, _BOX, writer.material(factors=factors), TEXCOORD_0=first, TEXCOORD_1=second)))


def wrapped(writer: GltfWriter, mode: int) -> None:
    """An image whose coordinates lead beyond it."""
    assert _BOX.uv is not None
    factors = _rough(baseColorTexture={"index": writer.texture(png(blots(3)), wrapS=mode, wrapT=mode)})
    uv = writer.accessor(_BOX.uv * 2.7 - 0.8)
    writer.node(mesh=writer.mesh(_primitive(writer, _BOX, writer.material(factors=factors), TEXCOORD_0=uv)))


def specular(writer: GltfWriter) -> None:
    """A surface that reflects more, and less, than others."""
    plain(
        writer,
        factors=_rough(baseColorFactor=[0.3, 0.3, 0.3, 1], roughnessFactor=0.4),
        extensions={"KHR_materials_specular": {"specularFactor": 0.3}},
    )
    uses(writer, "KHR_materials_specular")


def listed_otherwise(writer: GltfWriter) -> None:
    """A fan, a strip, and a ball whose sparse positions and colours differ from a dense list in some rows, with a morph target."""
    around = np.linspace(0, 2 * np.pi, 9)
    disc = 0.03 * np.stack([np.cos(around), np.sin(around), np.sin(3 * around) / 3], axis=1)
    positions = writer.accessor(np.concatenate([[[0, 0, 0.01]], disc]), min=[-0.03] * 3, max=[0.03] * 3)
    ribbon = np.stack([0.01 * np.arange(10) - 0.05, 0.04 * (np.arange(10) % 2), 0.01 * np.cos(np.arange(10))], axis=1)
    strip = writer.accessor(ribbon, min=ribbon.min(axis=0).tolist(), max=ribbon.max(axis=0).tolist())
    red, blue = (writer.material(factors=_rough(baseColorFactor=color)) for color in ([0.7, 0.05, 0.02, 1], [0.1, 0.2, 0.8, 1]))
    fan = {"mode": 6, "attributes": {"POSITION": positions}, "material": red}
    writer.node(mesh=writer.mesh(fan, {"mode": 5, "attributes": {"POSITION": strip}, "material": blue}), translation=[0.09, 0, 0])
    colors = writer.accessor(0.5 + 0.5 * np.cos(_BALL.vertices / 7))
    primitive = _primitive(writer, _BALL, None, COLOR_0=colors)
    # A shift: where a shape key changes the shape, Blender's custom normals follow it, and the format's do not.
    primitive["targets"] = [{"POSITION": writer.accessor(np.full_like(_BALL.vertices, 0.02))}]
    rows = np.flatnonzero(_BALL.vertices[:, 2] > 10)
    for number, values in (
        (primitive["attributes"]["POSITION"], _BALL.vertices[rows] * [1, 1, 1.4] / 1000),
        (colors, np.zeros((len(rows), 3))),
    ):
        view = writer.view(values.astype("<f4").tobytes())
        places = {"bufferView": writer.view(rows.astype("<u2").tobytes()), "componentType": 5123}
        writer.header["accessors"][number]["sparse"] = {"count": len(rows), "indices": places, "values": {"bufferView": view}}
    writer.node(mesh=writer.mesh(primitive, weights=[0.6]))


def _grid(change: dict[str, Any]) -> Callable[[int], dict[str, Any]]:
    return lambda texture: change | {"factors": _rough(baseColorTexture={"index": texture}, **change.get("factors", {}))}


LOOKS: dict[str, Callable[[GltfWriter], None]] = {
    "factor": lambda writer: plain(writer, factors=_rough(baseColorFactor=[0.8, 0.3, 0.1, 1])),
    "metal": lambda writer: plain(writer, factors={"baseColorFactor": [0.9, 0.6, 0.2, 1], "metallicFactor": 1.0, "roughnessFactor": 0.35}),
    "half_metal": lambda writer: plain(
        writer, factors={"baseColorFactor": [0.3, 0.6, 0.7, 1], "metallicFactor": 0.5, "roughnessFactor": 0.5}
    ),
    "default": plain,
    "specular": specular,
    "image": lambda writer: textured(writer, _grid({})),
    "image_and_factor": lambda writer: textured(writer, _grid({"factors": {"baseColorFactor": [0.5, 0.9, 0.2, 1]}})),
    "image_with_alpha_unused": lambda writer: textured(writer, _grid({}), blots(4)),
    "mask": lambda writer: textured(writer, _grid({"alphaMode": "MASK", "alphaCutoff": 0.4}), blots(4)),
    "blend": lambda writer: textured(writer, _grid({"alphaMode": "BLEND", "factors": {"baseColorFactor": [1, 1, 1, 0.7]}}), blots(4)),
    "blend_factor": lambda writer: plain(writer, factors=_rough(baseColorFactor=[0.8, 0.3, 0.1, 0.4]), alphaMode="BLEND"),
    "metallic_roughness": lambda writer: textured(
        writer,
        lambda texture: {
            "factors": {
                "baseColorFactor": [0.8, 0.7, 0.5, 1],
                "metallicRoughnessTexture": {"index": texture},
                "metallicFactor": 0.6,
                "roughnessFactor": 0.9,
            }
        },
        blots(3) // np.uint8(2) + np.uint8(100),
    ),
    "normal_map": lambda writer: textured(
        writer,
        lambda texture: {"factors": _rough(), "normalTexture": {"index": texture, "scale": 0.8}},
        np.concatenate([blots(2) // np.uint8(2) + np.uint8(64), np.full((48, 48, 1), 230, np.uint8)], axis=2),
    ),
    "emission": lambda writer: plain(writer, factors=_rough(baseColorFactor=[0.2, 0.2, 0.2, 1]), emissiveFactor=[0.3, 0.1, 0.5]),
    "emission_image": lambda writer: emissive(writer, 1.0),
    "emission_strong": lambda writer: emissive(writer, 3.0),
    "colors_float": lambda writer: vertex_colors(writer, "float32", 3),
    "colors_bytes": lambda writer: vertex_colors(writer, "uint8", 4),
    "colors_shorts": lambda writer: vertex_colors(writer, "uint16", 3),
    "colors_and_image": lambda writer: vertex_colors(writer, "float32", 3, image=True),
    "colors_of_some": mixed_colors,
    "instances": instances,
    "listed_otherwise": listed_otherwise,
    "unlit": unlit,
    "moved_image": moved_image,
    "second_set": second_set,
    "clamped": lambda writer: wrapped(writer, 33071),
    "mirrored": lambda writer: wrapped(writer, 33648),
}


def everything(writer: GltfWriter) -> None:
    """Many looks in one file."""
    roots = writer.header["scenes"][0]["nodes"]
    for place, name in enumerate(_TOGETHER):
        before = len(roots)
        LOOKS[name](writer)
        children, roots[before:] = roots[before:], []
        writer.node(children=children, translation=[0.17 * (place % 3), 0.17 * (place // 3), 0])


_TOGETHER = (
    *("image_and_factor", "metallic_roughness", "normal_map", "emission_strong", "colors_of_some", "metal"),
    *("moved_image", "clamped", "colors_and_image"),
)

SHORT: dict[str, Callable[[GltfWriter], None]] = {"everything": everything} | {name: LOOKS[name] for name in ("instances", "mask", "unlit")}
"""What tells most in few pictures."""


def write_looks(folder: Path, looks: Mapping[str, Callable[[GltfWriter], None]] = LOOKS) -> list[Path]:
    """Write them all."""
    paths = []
    for name, add in looks.items():
        writer = GltfWriter()
        add(writer)
        paths.append(writer.write(folder / f"{name}.glb"))
    return paths


if __name__ == "__main__":
    write_looks(Path(sys.argv[1]), LOOKS | SHORT)
