"""Files that are not what their names say: the refusal tells what they are."""

from __future__ import annotations

from pathlib import Path

import pytest
import trimesh

from serve_app.base.errors import ServiceError
from serve_app.cad.formats.contents import mistaken
from serve_app.cad.parse import parse_cad
from tests.cads.iges import IgesFile
from tests.cads.meshes import MESHES
from tests.cads.step import StepFile
from tests.gltf_writer import simple
from tests.unit.serve_app.cad.written import LIMITS

BOX = trimesh.creation.box()
IGES = IgesFile()
IGES.box((0, 0, 0), (1, 1, 1))

FILES: dict[str, bytes] = {
    **{suffix: write(BOX) for suffix, write in MESHES.items()},
    ".step": StepFile().text(),
    ".iges": IGES.text(),
    ".glb": simple(BOX).glb(),
    ".gltf": simple(BOX).gltf(),
}


@pytest.mark.parametrize("real", FILES)
def test_a_file_under_another_name_is_told_by_its_content(real: str) -> None:
    for named in FILES:
        if named == real or {named, real} == {".glb", ".gltf"}:
            assert mistaken(FILES[real], named) is None
            continue
        with pytest.raises(ServiceError) as caught:
            parse_cad(FILES[real], named, Path("/nowhere"), LIMITS)
        assert real in caught.value.detail, (named, caught.value.detail)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "it is empty"),
        (b"\0" * 200, "it is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "run git lfs pull"),
        (b"<!DOCTYPE html><html>404</html>", "download failed"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 600, "export it as STEP"),
        (b"Kaydara FBX Binary", "export it as GLB"),
        (b"solid x\nfacet normal 0 0 1\n", ".stl"),
    ],
)
def test_other_files_are_told_too(data: bytes, told: str) -> None:
    with pytest.raises(ServiceError) as caught:
        parse_cad(data, ".ply", Path("/nowhere"), LIMITS)
    assert told in caught.value.detail


@pytest.mark.parametrize("data", [b"nonsense", b"{}", b"no\n v", b"\x80" * 4096 * 2])
def test_what_nobody_knows_is_told_by_the_reader(data: bytes) -> None:
    assert all(mistaken(data, suffix) is None for suffix in FILES)
