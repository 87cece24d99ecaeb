"""One mesh in each format that holds meshes alone."""

from __future__ import annotations

from collections.abc import Callable

import trimesh

from tests.cads import dae, threemf


def _off(mesh: trimesh.Trimesh) -> bytes:
    lines = ["OFF", f"{len(mesh.vertices)} {len(mesh.faces)} 0", *(" ".join(f"{value:.9g}" for value in v) for v in mesh.vertices)]
    return "\n".join([*lines, *("3 " + " ".join(map(str, face)) for face in mesh.faces)]).encode()


def _threemf(mesh: trimesh.Trimesh) -> bytes:
    return threemf.package(threemf.model(threemf.mesh_object(1, mesh.vertices, mesh.faces), '<item objectid="1"/>'))


def _dae(mesh: trimesh.Trimesh) -> bytes:
    made = dae.geometry("made", mesh.vertices, mesh.faces.tolist())
    return dae.document(made, dae.node("made", dae.instance("made")), '<unit name="millimeter" meter="0.001"/>')


MESHES: dict[str, Callable[[trimesh.Trimesh], bytes]] = {
    ".ply": lambda mesh: bytes(mesh.export(file_type="ply")),
    ".obj": lambda mesh: str(mesh.export(file_type="obj", include_texture=False)).encode(),
    ".stl": lambda mesh: bytes(mesh.export(file_type="stl")),
    ".off": _off,
    ".3mf": _threemf,
    ".dae": _dae,
}
"""What writes a mesh, by the ending of the file."""
