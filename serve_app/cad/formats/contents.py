"""Tells by a file's first bytes what it is, where its name says something else."""

from __future__ import annotations

import re

_BINARY_STL_HEADER, _FACET = 84, 50
_HEAD = 4096

_SIGNS: tuple[tuple[re.Pattern[bytes], tuple[str, ...], str], ...] = (
    (re.compile(rb"\s*ISO-10303-21"), (".step", ".stp"), "a STEP file"),
    (re.compile(rb"glTF"), (".glb", ".gltf"), "a GLB file"),
    (re.compile(rb"\s*\{[^\0]{0,2000}\"asset\"", re.DOTALL), (".gltf", ".glb"), "a glTF file"),
    (re.compile(rb"ply\s"), (".ply",), "a PLY file"),
    (re.compile(rb"\s*(?:ST)?C?N?OFF\s"), (".off",), "an OFF file"),
    (re.compile(rb"[^\0]{0,1000}<COLLADA\b", re.DOTALL), (".dae",), "a COLLADA file"),
    (re.compile(rb".{72}S {0,6}\d"), (".iges", ".igs"), "an IGES file"),
    (re.compile(rb"\s*solid\b[^\0]*?\bfacet\b", re.DOTALL | re.IGNORECASE), (".stl",), "an STL file"),
    (re.compile(rb"(?:[#gosmu][^\0\n]*\n|\s)*v[ \t]+[-+.\d]"), (".obj",), "an OBJ file"),
)
"""What it begins with, the endings that such a file has, and what it is called."""

_OTHERS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"version https://git-lfs"), "it is only the pointer of Git LFS to the file; run git lfs pull"),
    (re.compile(rb"\s*<(?:!doctype html|html)", re.IGNORECASE), "it is a web page, so its download failed; download the CAD itself"),
    (re.compile(rb"\xd0\xcf\x11\xe0"), "it is a document of SolidWorks or another CAD program; export it as STEP"),
    (re.compile(rb"Kaydara FBX"), "it is an FBX file; export it as GLB"),
)


def mistaken(data: bytes, suffix: str) -> str | None:
    """What a file is that could not be read, and what to do about it; None where its first bytes do not tell, or are as its name says.

    Args:
        data: the file.
        suffix: the ending of its name, in small letters.
    """
    if not data.strip(b"\0 \t\r\n"):
        return "it is empty; export or copy it again"
    head = data[:_HEAD]
    for sign, what in _OTHERS:
        if sign.match(head):
            return what
    if suffix != ".3mf" and head.startswith(b"PK\3\4"):
        return "it is a zip archive, as a 3MF is; name it .3mf, or unpack it"
    for sign, endings, what in _SIGNS:
        if sign.match(head):
            return None if suffix in endings else f"it looks like {what}; name it {endings[0]}"
    if suffix != ".stl" and len(data) >= _BINARY_STL_HEADER:
        count = int.from_bytes(data[_BINARY_STL_HEADER - 4 : _BINARY_STL_HEADER], "little")
        if count and len(data) == _BINARY_STL_HEADER + count * _FACET:
            return "it looks like an STL file; name it .stl"
    return None
