"""The formats that are read, by the ending of a file's name."""

from __future__ import annotations

from serve_app.cad.formats.brep import brep_content
from serve_app.cad.formats.dae import dae_content
from serve_app.cad.formats.gltf import read_gltf
from serve_app.cad.formats.obj import obj_submeshes
from serve_app.cad.formats.off import off_content
from serve_app.cad.formats.ply import ply_submeshes
from serve_app.cad.formats.reader import CadContent, CadSource, Reader
from serve_app.cad.formats.stl import stl_submeshes, stl_warnings
from serve_app.cad.formats.threemf import threemf_content
from serve_app.cad.text.encoding import as_utf8


def _ply(source: CadSource) -> CadContent:
    return CadContent(ply_submeshes(as_utf8(source.data), source.textures, source.limits))


def _obj(source: CadSource) -> CadContent:
    return CadContent(obj_submeshes(as_utf8(source.data), source.resolver, source.textures, source.limits))


def _stl(source: CadSource) -> CadContent:
    submeshes = stl_submeshes(as_utf8(source.data), source.limits)
    source.textures.warnings += stl_warnings(source.data)
    return CadContent(submeshes)


READERS: dict[str, Reader] = {
    ".ply": _ply,
    ".obj": _obj,
    ".stl": _stl,
    **dict.fromkeys((".glb", ".gltf"), read_gltf),
    **dict.fromkeys((".step", ".stp", ".iges", ".igs"), brep_content),
    ".3mf": threemf_content,
    ".dae": dae_content,
    ".off": off_content,
}
"""By ending in small letters. Libraries that only some formats need are imported by their reader."""
