"""One shape written in every format that is read."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import trimesh

from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.parse import ParsedCad, parse_cad
from tests.cads import dae, threemf
from tests.gltf_writer import simple

LIMITS = CadLimits.from_settings(Settings())


def parse(folder: Path, name: str, data: bytes | str) -> ParsedCad:
    return parse_cad(data.encode() if isinstance(data, str) else data, Path(name).suffix, folder, LIMITS)


def ply_header(encoding: str, vertices: int, faces: int, extra: str = "") -> str:
    return (
        f"ply\nformat {encoding} 1.0\nelement vertex {vertices}\nproperty float x\nproperty float y\nproperty float z\n{extra}"
        f"element face {faces}\nproperty list uchar int vertex_indices\nend_header\n"
    )


def ascii_ply(mesh: trimesh.Trimesh) -> bytes:
    lines = [" ".join(f"{value:.9g}" for value in vertex) for vertex in mesh.vertices]
    lines += ["3 " + " ".join(map(str, face)) for face in mesh.faces]
    return (ply_header("ascii", len(mesh.vertices), len(mesh.faces)) + "\n".join(lines) + "\n").encode()


def binary_ply(mesh: trimesh.Trimesh, endian: str) -> bytes:
    name = "binary_little_endian" if endian == "<" else "binary_big_endian"
    body = mesh.vertices.astype(f"{endian}f4").tobytes()
    body += b"".join(struct.pack(f"{endian}B3i", 3, *face) for face in mesh.faces)
    return ply_header(name, len(mesh.vertices), len(mesh.faces)).encode() + body


def coloured_ply(mesh: trimesh.Trimesh) -> bytes:
    extra = "".join(f"property float n{axis}\n" for axis in "xyz") + "".join(f"property uchar {c}\n" for c in ("red", "green", "blue"))
    lines = [
        " ".join(f"{value:.9g}" for value in (*vertex, *normal)) + f" {10 * i} 20 30"
        for i, (vertex, normal) in enumerate(zip(mesh.vertices, mesh.vertex_normals, strict=True))
    ]
    lines += ["3 " + " ".join(map(str, face)) for face in mesh.faces]
    return (ply_header("ascii", len(mesh.vertices), len(mesh.faces), extra) + "\n".join(lines) + "\n").encode()


def obj_text(mesh: trimesh.Trimesh, *, relative: bool = False, objects: int = 1) -> str:
    """The mesh as OBJ; with several objects each carries its own vertices, and indices may count back."""
    lines, used = ["mtllib wedge.mtl"], 0
    for part, faces in enumerate(np.array_split(mesh.faces, objects)):
        lines.append(f"o part{part}")
        vertices = mesh.vertices[faces].reshape(-1, 3)
        lines += ["v " + " ".join(f"{value:.9g}" for value in vertex) for vertex in vertices]
        lines.append("usemtl paint")
        for face in range(len(faces)):
            indices = [used + 3 * face + corner + 1 for corner in range(3)]
            if relative:
                indices = [index - (used + len(vertices)) - 1 for index in indices]
            lines.append("f " + " ".join(map(str, indices)))
        used += len(vertices)
    return "\n".join(lines) + "\n"


def stl_ascii(mesh: trimesh.Trimesh) -> bytes:
    return trimesh.exchange.stl.export_stl_ascii(mesh).encode()


def off_text(mesh: trimesh.Trimesh, *, colored: bool = False) -> str:
    color = " 200 100 50 255" if colored else ""
    lines = ["COFF" if colored else "OFF", f"{len(mesh.vertices)} {len(mesh.faces)} 0"]
    lines += [" ".join(f"{value:.9g}" for value in vertex) + color for vertex in mesh.vertices]
    lines += ["3 " + " ".join(map(str, face)) for face in mesh.faces]
    return "\n".join(lines) + "\n"


WRITERS: dict[str, Callable[[trimesh.Trimesh], bytes | str]] = {
    "little.ply": lambda mesh: binary_ply(mesh, "<"),
    "big.ply": lambda mesh: binary_ply(mesh, ">"),
    "coloured.ply": coloured_ply,
    "UPPER.PLY": ascii_ply,
    "binary.stl": lambda mesh: trimesh.exchange.stl.export_stl(mesh),
    "ascii.STL": stl_ascii,
    "one.obj": obj_text,
    "two.obj": lambda mesh: obj_text(mesh, objects=2),
    "relative.obj": lambda mesh: obj_text(mesh, relative=True),
    "relative_two.OBJ": lambda mesh: obj_text(mesh, relative=True, objects=2),
    "plain.off": lambda mesh: off_text(mesh),
    "coloured.OFF": lambda mesh: off_text(mesh, colored=True),
    "plain.3mf": lambda mesh: threemf.package(threemf.model(threemf.mesh_object(1, mesh.vertices, mesh.faces), '<item objectid="1"/>')),
    "plain.dae": lambda mesh: dae.document(
        dae.geometry("wedge", mesh.vertices, mesh.faces.tolist()), dae.node("wedge", dae.instance("wedge"))
    ),
    "windows.obj": lambda mesh: obj_text(mesh, objects=2).replace("\n", "\r\n"),
    "binary.glb": lambda mesh: simple(mesh).glb(),
    "text.gltf": lambda mesh: simple(mesh).gltf(),
    "trimesh.GLB": lambda mesh: trimesh.exchange.gltf.export_glb(mesh),
}


TRIANGLE = "v 0 0 0\nv 9 0 0\nv 0 9 0\n"
