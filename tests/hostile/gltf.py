"""glTF files that are cut off, lie about themselves, lead elsewhere, or grow without end."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.gltf_writer import GltfWriter, png
from tests.hostile.case import Case, case
from tests.hostile.files import TRIANGLES, VERTICES, png_claiming

_ELSEWHERE = {
    "parent": "../secret.mtl",
    "hidden-parent": "%2e%2e/secret.mtl",
    "absolute": "/etc/passwd",
    "http": "http://127.0.0.1:9/a.bin",
    "file": "file:///etc/passwd",
    "share": "//server/share/a.bin",
    "device": "/dev/zero",
    "long": "a" * 5000,
    "data": "data:;base64,####",
    "pipe": "|touch evil",
}

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


def gltf_cases(odd: int = 1) -> Iterator[Case]:
    """All of them.

    Args:
        odd: values that each entry of the header takes in turn, of eleven that it cannot have.
    """
    good = solid().glb()
    yield case("gltf", "good", ".glb", good, "rendered")
    yield case("gltf", "good", ".gltf", solid().gltf(), "rendered")
    for place in range(0, len(good), len(good) // 24):
        yield case("gltf", f"cut-{place}", ".glb", good[:place])
    for label, uri in _ELSEWHERE.items():
        header = json.loads(solid().gltf())
        yield case("gltf", f"buffer-{label}", ".gltf", json.dumps(header | {"buffers": [{"uri": uri, "byteLength": 1000}]}))
        yield case("gltf", f"image-{label}", ".gltf", json.dumps(header | {"images": [{"uri": uri}]}), "rendered")
    writer = solid()
    writer.header["images"] = [{"bufferView": writer.view(png_claiming(60_000, 60_000))}]
    yield case("gltf", "image-huge", ".glb", writer.glb(), "rendered")
    yield from _odd_cases(odd)
    yield from _bombs()


def _leaves(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in children:
        yield from _leaves(below, *path, key)


def _odd_cases(count: int) -> Iterator[Case]:
    """Each entry of the header in turn with some of the odd values."""
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


def _bombs() -> Iterator[Case]:
    writer = solid()
    writer.header["nodes"] += [{"mesh": 0}] * 150_000
    writer.header["scenes"][0]["nodes"] += range(2, 150_002)
    yield case("gltf", "copies", ".glb", writer.glb())
    writer = solid()
    writer.header["nodes"] = [{"children": [number + 1]} for number in range(20_000)] + [{"mesh": 0}]
    writer.header["scenes"] = [{"nodes": [0]}]
    yield case("gltf", "deep", ".glb", writer.glb(), "rendered")
    yield case("gltf", "brackets", ".gltf", '{"asset":' + "[" * 200_000)
    writer = solid()
    writer.header["accessors"] += [dict(writer.header["accessors"][0], count=10**12)]
    writer.header["meshes"][0]["primitives"][0]["attributes"]["POSITION"] = len(writer.header["accessors"]) - 1
    yield case("gltf", "count", ".glb", writer.glb())
    writer = solid()
    writer.header["meshes"] = [{"primitives": writer.header["meshes"][0]["primitives"] * 3_000}]
    yield case("gltf", "primitives", ".glb", writer.glb(), "either")
