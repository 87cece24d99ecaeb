"""A glTF file of which one entry after the other is what it cannot be."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.gltf_writer import GltfWriter, png
from tests.hostile.case import Case, case
from tests.hostile.files import TRIANGLES, VERTICES

_ODD: tuple[Any, ...] = (None, -1, 2**63, 1e308, True, "x", [], {}, float("nan"), [0], 0.5)


def solid() -> GltfWriter:
    """A good file that has something of everything that is read."""
    writer = GltfWriter()
    image = png(np.random.default_rng(1).integers(0, 255, (4, 4, 4), dtype=np.uint8))
    texture = writer.texture(image, wrapS=33071, wrapT=33071)
    moved = {"KHR_texture_transform": {"offset": [0.1, 0.2], "rotation": 0.3, "scale": [2, 2], "texCoord": 0}}
    material = writer.material(
        name="paint",
        factors={
            "baseColorTexture": {"index": texture, "texCoord": 0, "extensions": moved},
            "baseColorFactor": [0.5, 0.6, 0.7, 0.8],
            "metallicFactor": 0.3,
            "roughnessFactor": 0.4,
            "metallicRoughnessTexture": {"index": texture, "extensions": moved},
        },
        normalTexture={"index": texture, "scale": 0.5, "extensions": moved},
        emissiveFactor=[0.1, 0.2, 0.3],
        alphaMode="MASK",
        alphaCutoff=0.3,
    )
    points = np.array(VERTICES, dtype=np.float64) / 1000
    attributes = {
        "NORMAL": writer.accessor(points / np.linalg.norm(points, axis=1, keepdims=True)),
        "TEXCOORD_0": writer.accessor(points[:, :2] * 9),
        "COLOR_0": writer.accessor(np.full((4, 4), 200), "uint8", normalized=True),
    }
    mesh = writer.mesh(writer.primitive(points, TRIANGLES, material, **attributes), name="solid")
    child = writer.node(root=False, mesh=mesh, translation=[0.1, 0, 0], rotation=[0, 0, 0, 1], scale=[1, 1, 1])
    writer.node(name="top", mesh=mesh, matrix=np.eye(4).ravel().tolist(), children=[child])
    return writer


def _leaves(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in children:
        yield from _leaves(below, *path, key)


def odd_cases(count: int) -> Iterator[Case]:
    """Each entry of the header in turn with something that it cannot be.

    Args:
        count: how many such values it takes, of eleven.
    """
    yield case("gltf-odd", "none", ".glb", solid().glb(), "rendered")
    chance = random.Random(5)
    for path in _leaves(solid().header):
        for odd in chance.sample(_ODD, count):
            writer = solid()
            owner: Any = writer.header
            for key in path[:-1]:
                owner = owner[key]
            owner[path[-1]] = odd
            label = ".".join(map(str, path))
            yield case("gltf-odd", f"{label}-{_ODD.index(odd) if odd == odd else 8}", ".glb", writer.glb(), "either")
