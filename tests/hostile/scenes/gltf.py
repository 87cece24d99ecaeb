"""glTF and GLB: documents that point nowhere, in circles, or beyond their data."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.hostile.case import Case, Outcome, case
from tests.hostile.files import png, png_claiming
from tests.hostile.scenes.gltf_file import BINARY, DOCUMENT, POSITIONS, Document, changed, chunk, data_uri, glb, text

Change = Callable[[Document], object]


def _set(path: str, value: Any) -> Change:
    """Sets one value of a document, by its path: ``nodes/0/mesh``."""

    def change(document: Any) -> None:
        *way, last = path.split("/")
        for step in way:
            document = document[int(step) if isinstance(document, list) else step]
        document[int(last) if isinstance(document, list) else last] = value

    return change


def _both(kind: str, label: str, document: Document, outcome: Outcome = "refused", binary: bytes = BINARY) -> Iterator[Case]:
    yield case(kind, label, ".gltf", text(document, binary), outcome)
    yield case(kind, label, ".glb", glb(document, binary), outcome)


def graph_cases() -> Iterator[Case]:
    """Nodes, and how often they place what."""
    nodes: dict[str, tuple[list[Document], Outcome]] = {
        "self": ([{"mesh": 0, "children": [0]}], "refused"),
        "circle": ([{"mesh": 0, "children": [1]}, {"children": [2]}, {"children": [0]}], "refused"),
        "circle-below": ([{"mesh": 0, "children": [1]}, {"children": [2]}, {"children": [1]}], "refused"),
        "two-parents": ([{"children": [1, 2]}, {"children": [3]}, {"children": [3]}, {"mesh": 0}], "either"),
        "same-child-twice": ([{"children": [1, 1]}, {"mesh": 0}], "either"),
        "no-such-child": ([{"mesh": 0, "children": [7]}], "refused"),
        "negative-child": ([{"mesh": 0, "children": [-1]}], "refused"),
        "no-such-mesh": ([{"mesh": 5}], "refused"),
        "negative-mesh": ([{"mesh": -1}], "refused"),
        "no-mesh": ([{"name": "empty"}], "refused"),
        "doubling": ([{"children": [i + 1, i + 1]} for i in range(40)] + [{"mesh": 0}], "refused"),
        "deep": ([{"children": [i + 1]} for i in range(20_000)] + [{"mesh": 0}], "either"),
        "nan-matrix": ([{"mesh": 0, "matrix": [float("nan")] * 16}], "refused"),
        "infinite-matrix": ([{"mesh": 0, "matrix": [1e308 * 10] * 16}], "refused"),
        "huge-matrix": ([{"mesh": 0, "matrix": [1e308] * 15 + [1]}], "refused"),
        "zero-matrix": ([{"mesh": 0, "matrix": [0] * 16}], "refused"),
        "perspective": ([{"mesh": 0, "matrix": [1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1]}], "either"),
        "short-matrix": ([{"mesh": 0, "matrix": [1, 0, 0, 0]}], "refused"),
        "matrix-of-words": ([{"mesh": 0, "matrix": ["a"] * 16}], "refused"),
        "nan-translation": ([{"mesh": 0, "translation": [float("nan"), 0, 0]}], "refused"),
        "zero-scale": ([{"mesh": 0, "scale": [0, 0, 0]}], "refused"),
        "zero-rotation": ([{"mesh": 0, "rotation": [0, 0, 0, 0]}], "either"),
        "tiny-scales": ([{"scale": [1e-30] * 3, "children": [i + 1]} for i in range(12)] + [{"mesh": 0}], "refused"),
        "nodes-are-a-word": ("nodes", "refused"),  # type: ignore[dict-item]
        "node-is-a-number": ([7], "refused"),  # type: ignore[list-item]
    }
    for label, (given, outcome) in nodes.items():
        yield from _both("gltf-graph", label, changed(_set("nodes", given)), outcome)
    yield case("gltf-graph", "million-instances", ".glb", lambda: glb(_instances(1_000_000)))
    for label, path, value in (
        ("no-such-scene", "scene", 3),
        ("negative-scene", "scene", -1),
        ("no-such-root", "scenes/0/nodes", [9]),
        ("no-roots", "scenes/0/nodes", []),
        ("no-scenes", "scenes", []),
    ):
        yield from _both(
            "gltf-graph", label, changed(_set(path, value)), "either" if label in ("no-scenes", "negative-scene") else "refused"
        )


def _instances(count: int) -> Document:
    return changed(lambda it: it.update(nodes=[{"mesh": 0}] * count, scenes=[{"nodes": list(range(count))}]))


def accessor_cases() -> Iterator[Case]:
    """What lies where in the buffers."""
    values: list[tuple[str, str, Any]] = [
        ("no-buffer", "bufferViews/0/buffer", 4),
        ("negative-buffer", "bufferViews/0/buffer", -1),
        ("no-view", "accessors/0/bufferView", 7),
        ("no-accessor", "meshes/0/primitives/0/attributes/POSITION", 9),
        ("no-index-accessor", "meshes/0/primitives/0/indices", 9),
        ("indices-as-positions", "meshes/0/primitives/0/attributes/POSITION", 1),
        ("positions-as-indices", "meshes/0/primitives/0/indices", 0),
        ("count-beyond", "accessors/0/count", 5),
        ("count-far-beyond", "accessors/0/count", 2**31),
        ("count-astronomic", "accessors/0/count", 10**30),
        ("index-count-beyond", "accessors/1/count", 15),
        ("count-negative", "accessors/0/count", -4),
        ("count-zero", "accessors/0/count", 0),
        ("count-fraction", "accessors/0/count", 3.5),
        ("count-word", "accessors/0/count", "four"),
        ("offset-beyond", "accessors/0/byteOffset", 4000),
        ("offset-negative", "accessors/0/byteOffset", -12),
        ("view-beyond", "bufferViews/0/byteLength", 10**9),
        ("view-offset-beyond", "bufferViews/0/byteOffset", 10**9),
        ("view-offset-negative", "bufferViews/1/byteOffset", -20),
        ("stride-zero-like", "bufferViews/0/byteStride", 4),
        ("stride-beyond", "bufferViews/0/byteStride", 252),
        ("stride-negative", "bufferViews/0/byteStride", -12),
        ("component-unknown", "accessors/0/componentType", 1),
        ("type-unknown", "accessors/0/type", "VEC9"),
        ("buffer-longer-than-data", "buffers/0/byteLength", 10**9),
        ("mode-points", "meshes/0/primitives/0/mode", 0),
        ("mode-lines", "meshes/0/primitives/0/mode", 1),
        ("mode-unknown", "meshes/0/primitives/0/mode", 77),
        ("no-position", "meshes/0/primitives/0/attributes", {"NORMAL": 0}),
        ("no-attributes", "meshes/0/primitives/0/attributes", {}),
        ("no-primitives", "meshes/0/primitives", []),
        ("no-meshes", "meshes", []),
        (
            "sparse-beyond",
            "accessors/0/sparse",
            {"count": 10**9, "indices": {"bufferView": 1, "componentType": 5123}, "values": {"bufferView": 0}},
        ),
    ]
    loose = {"count-fraction", "stride-zero-like", "buffer-longer-than-data", "mode-unknown", "view-beyond", "count-word"}
    for label, path, value in values:
        yield from _both("gltf-accessor", label, changed(_set(path, value)), "either" if label in loose else "refused")
    for label, number in (("nan", np.nan), ("infinite", np.inf), ("huge", 3e38)):
        numbers = np.frombuffer(POSITIONS, "<f4").copy()
        numbers[4] = number
        # Two corners that are 3e38 apart are odd, and can be drawn.
        yield from _both("gltf-accessor", f"position-{label}", DOCUMENT, "either", numbers.tobytes() + BINARY[len(POSITIONS) :])
    for index in (4, 65535):
        indices = np.array([0, 2, 1, 0, 1, 3, 1, 2, 3, 2, 0, index], "<u2").tobytes()
        yield from _both("gltf-accessor", f"index-{index}", DOCUMENT, "refused", POSITIONS + indices)


def reference_cases() -> Iterator[Case]:
    """URIs of buffers and images: only files in the CAD's folder, and data."""
    uris = {
        "missing": "gone.bin",
        "parent": "../secret.bin",
        "parent-encoded": "%2e%2e/secret.bin",
        "parent-below": "sub/../../secret.bin",
        "back-slash": "..\\secret.bin",
        "absolute": "/etc/passwd",
        "file": "file:///etc/passwd",
        "http": "http://127.0.0.1:9/a.bin",
        "share": "//server/share/a.bin",
        "drive": "C:\\secret.bin",
        "system": "/sys/kernel/notes",
        "self": ".",
        "empty": "",
        "nul": "a\0b",
        "long": "a" * 100_000,
        "data-no-comma": "data:application/octet-stream;base64",
        "data-broken": "data:application/octet-stream;base64,@@@@!!!!",
        "data-short": data_uri(BINARY[:30]),
        "data-empty": "data:,",
        "data-text": "data:text/plain,hello",
        "number": 7,
    }
    for label, uri in uris.items():
        buffer = {"byteLength": len(BINARY), "uri": uri}
        yield case("gltf-reference", f"buffer-{label}", ".gltf", text(changed(_set("buffers", [buffer]))))
        # A texture that cannot be had is left out, with a warning.
        yield case(
            "gltf-reference", f"image-{label}", ".gltf", text(_textured({"uri": uri})), "either" if label == "number" else "rendered"
        )
    yield case("gltf-reference", "buffer-huge-data", ".gltf", lambda: text(binary=BINARY + bytes(48 * 2**20)), "either")
    yield case(
        "gltf-reference",
        "buffer-link",
        ".gltf",
        text(changed(_set("buffers/0/uri", "a.bin"))),
        a__bin=lambda path: path.symlink_to("../secret.bin"),
    )
    yield case(
        "gltf-reference",
        "buffer-device",
        ".gltf",
        text(changed(_set("buffers/0/uri", "a.bin"))),
        a__bin=lambda path: path.symlink_to("/dev/zero"),
    )
    yield case(
        "gltf-reference",
        "many-buffers",
        ".gltf",
        text(changed(lambda it: it["buffers"].extend({"byteLength": 1, "uri": f"{i}.bin"} for i in range(5000)))),
        "either",
    )


def _textured(image: Document) -> Document:
    def change(it: Document) -> None:
        it["images"], it["textures"] = [image], [{"source": 0}]
        it["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
        it["accessors"].append({"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC2"})
        primitive = it["meshes"][0]["primitives"][0]
        primitive["material"] = 0
        primitive["attributes"]["TEXCOORD_0"] = 2

    return changed(change)


def look_cases() -> Iterator[Case]:
    """Extensions, materials and images."""
    for name in ("KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_texture_basisu", "FOO_unheard_of"):
        yield from _both("gltf-look", f"requires-{name}", {**DOCUMENT, "extensionsUsed": [name], "extensionsRequired": [name]})
    draco = {"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {"POSITION": 0}}}
    yield from _both("gltf-look", "draco-unasked", changed(_set("meshes/0/primitives/0/extensions", draco)), "either")
    images = {
        "bomb": png_claiming(50_000, 50_000, b"\0" * 1_000_000),
        "cut": png(64, 64)[:80],
        "noise": b"\x89PNG" + b"\7" * 100,
        "empty": b"",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    }
    for label, data in images.items():
        yield case("gltf-look", f"image-{label}", ".gltf", text(_textured({"uri": data_uri(data, "image/png")})), "rendered")
    yield from _both("gltf-look", "image-view-beyond", _textured({"bufferView": 50, "mimeType": "image/png"}), "either")
    materials: dict[str, Any] = {
        "nan": {"pbrMetallicRoughness": {"baseColorFactor": [float("nan")] * 4, "roughnessFactor": float("nan")}},
        "huge": {"pbrMetallicRoughness": {"baseColorFactor": [1e308, -5, 2, 9], "metallicFactor": -1e300}, "emissiveFactor": [1e9] * 3},
        "words": {"pbrMetallicRoughness": {"baseColorFactor": "red"}, "alphaMode": 7, "alphaCutoff": "x"},
        "no-texture": {"pbrMetallicRoughness": {"baseColorTexture": {"index": 99}}},
        "list": [],
    }
    for label, material in materials.items():
        used = changed(_set("meshes/0/primitives/0/material", 0))
        yield from _both("gltf-look", f"material-{label}", {**used, "materials": [material]}, "either")
    yield from _both("gltf-look", "material-missing", changed(_set("meshes/0/primitives/0/material", 5)), "either")


def container_cases() -> Iterator[Case]:
    """What a document or a GLB is wrapped in."""
    good = glb()
    containers = {
        "wrong-magic": b"glTG" + good[4:],
        "version-1": glb(version=1),
        "version-9": glb(version=9),
        "longer-than-it-is": glb(more=1000),
        "shorter-than-it-is": glb(more=-40),
        "length-all-ones": good[:8] + b"\xff" * 4 + good[12:],
        "chunk-beyond": good[:12] + struct.pack("<I", 2**32 - 1) + good[16:],
        "chunk-length-zero": good[:12] + struct.pack("<I", 0) + good[16:],
        "only-header": struct.pack("<4sII", b"glTF", 2, 12),
        "binary-first": struct.pack("<4sII", b"glTF", 2, 12 + 16 + len(BINARY)) + chunk(b"BIN\0", BINARY) + chunk(b"JSON", b"{}  "),
        "no-binary": glb(binary=None),
        "binary-short": glb(binary=BINARY[:-20]),
        "text-in-glb": text(),
        "json-is-noise": glb(b"\xff\xfe\x00garbage{{{{"),
        "json-is-a-list": glb(b"[1, 2]"),
        "json-is-null": glb(b"null"),
        "json-of-brackets": glb(b"[" * 200_000),
    }
    for label, data in containers.items():
        yield case("gltf-container", label, ".glb", data, "either" if label in ("shorter-than-it-is", "text-in-glb") else "refused")
    documents = {
        "empty": b"",
        "noise": bytes(range(256)) * 10,
        "null": b"null",
        "list": b"[]",
        "object": b"{}",
        "brackets": b"[" * 200_000,
        "objects": b'{"a":' * 100_000,
        "long-number": b'{"asset": {"version": "2.0"}, "scene": ' + b"9" * 100_000 + b"}",
        "unclosed": text()[:-1],
        "utf-16": text().decode().encode("utf-16"),
        "no-asset": text(changed(lambda it: it.pop("asset"))),
        "version-1": text(changed(_set("asset/version", "1.0"))),
        "version-3": text(changed(_set("asset", {"version": "3.0", "minVersion": "3.0"}))),
        "glb-in-text": glb(),
        "long-name": text(changed(_set("nodes/0/name", "n" * 1_000_000))),
        "odd-name": text(changed(_set("nodes/0/name", "\x1b[31m\u202e\0"))),
        "twice": json.dumps(DOCUMENT).encode()[:-1] + b', "nodes": []}',
    }
    loose = {"utf-16", "no-asset", "glb-in-text", "long-name", "odd-name", "version-3"}
    for label, data in documents.items():
        yield case("gltf-container", label, ".gltf", data, "either" if label in loose else "refused")
