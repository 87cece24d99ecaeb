"""The files that a CAD refers to and that must be uploaded with it: materials, textures, buffers."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

_MAX_HEAD = 64 * 1024
"""Bytes of a PLY that its header is looked for in."""

_MAX_TEXT = 512 * 1024**2


def companions(cad: Path) -> list[Path]:
    """Files that the CAD names, that are there, and that lie in its folder or below; each once.

    Args:
        cad: a CAD file of any format; those that keep everything in one file have none.
    """
    find = _FINDERS.get(cad.suffix.lower())
    if find is None:
        return []
    folder, found = cad.parent.resolve(), dict[Path, None]()
    for name in find(cad):
        path = _inside(folder, name)
        if path is not None and path != cad.resolve():
            found[path] = None
    return list(found)


def _inside(folder: Path, name: str) -> Path | None:
    """A file below a folder, or None: the server would not follow a name that leads elsewhere either."""
    try:
        path = (folder / name.replace("\\", "/")).resolve()
        return path if folder in path.parents and path.is_file() else None
    except (OSError, ValueError):
        return None


def _of_obj(cad: Path) -> Iterator[str]:
    for line in _lines(cad):
        if line[:6].lower() == "mtllib":
            for library in (line[6:].strip(), *line[6:].split()):
                path = _inside(cad.parent.resolve(), library)
                if path is not None:
                    yield library
                    yield from _maps(path, cad.parent.resolve())


def _maps(library: Path, folder: Path) -> Iterator[str]:
    for line in _lines(library):
        key, _, rest = line.strip().partition(" ")
        if key.lower().startswith(("map_", "bump", "disp", "norm")):
            # Options stand before the name, which may hold blanks: the longest ending that is a file.
            words = rest.split()
            for start in range(len(words)):
                name = " ".join(words[start:])
                if _inside(folder, name) is not None:
                    yield name
                    break


def _of_ply(cad: Path) -> Iterator[str]:
    with cad.open("rb") as file:
        head = file.read(_MAX_HEAD).partition(b"end_header")[0].decode("utf-8", "replace")
    yield from (match.strip() for match in re.findall(r"^comment\s+TextureFile\s+(.+)$", head, re.M))


def _of_gltf(cad: Path) -> Iterator[str]:
    yield from _uris(cad.read_bytes())


def _of_glb(cad: Path) -> Iterator[str]:
    with cad.open("rb") as file:
        head = file.read(20)
        if len(head) == 20 and head[:4] == b"glTF":
            yield from _uris(file.read(min(struct.unpack("<I", head[12:16])[0], _MAX_TEXT)))


def _uris(document: bytes) -> Iterator[str]:
    try:
        content = json.loads(document)
        entries = [*content.get("buffers", ()), *content.get("images", ())]
        names = [entry.get("uri") for entry in entries]
    except (ValueError, AttributeError, TypeError):
        return  # The server says what is wrong with it.
    yield from (unquote(name) for name in names if isinstance(name, str) and not name.startswith("data:"))


def _of_dae(cad: Path) -> Iterator[str]:
    text = cad.read_text("utf-8", "replace")
    for name in re.findall(r"<init_from>\s*(?:<ref>)?\s*([^<]+?)\s*(?:</ref>)?\s*</init_from>", text):
        yield unquote(name.removeprefix("file://").removeprefix("./"))


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from (line.rstrip("\r\n") for line in file)


_FINDERS: dict[str, Callable[[Path], Iterator[str]]] = {
    ".obj": _of_obj,
    ".ply": _of_ply,
    ".gltf": _of_gltf,
    ".glb": _of_glb,
    ".dae": _of_dae,
}
