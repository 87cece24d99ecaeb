"""What is uploaded with a CAD."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from render_server_client.companions import companions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inner = tmp_path / "cads"
    (inner / "maps").mkdir(parents=True)
    for name in ("a b.mtl", "wood grain.png", "maps/steel.png", "data.bin", "plain.png"):
        (inner / name).write_bytes(b"x")
    (tmp_path / "outside.png").write_bytes(b"x")
    return inner


def found(path: Path) -> list[str]:
    return [each.relative_to(path.parent).as_posix() for each in companions(path)]


def test_obj(folder: Path) -> None:
    (folder / "a b.mtl").write_text(
        "newmtl m\nmap_Kd wood grain.png\nmap_Bump -bm 0.2 maps\\steel.png\nmap_Ks ../outside.png\nmap_d missing.png\n"
    )
    cad = folder / "a.obj"
    cad.write_text("mtllib a b.mtl\nv 0 0 0\n")
    assert found(cad) == ["a b.mtl", "wood grain.png", "maps/steel.png"]


def test_ply(folder: Path) -> None:
    cad = folder / "a.ply"
    cad.write_bytes(b"ply\nformat binary_little_endian 1.0\ncomment TextureFile wood grain.png\nend_header\ncomment TextureFile plain.png")
    assert found(cad) == ["wood grain.png"]


def test_gltf_and_glb(folder: Path) -> None:
    images = [{"uri": "wood%20grain.png"}, {"uri": "data:image/png;base64,AA=="}, {"uri": "../outside.png"}, {"bufferView": 0}]
    document = json.dumps({"buffers": [{"uri": "data.bin"}], "images": images}).encode()
    (folder / "a.gltf").write_bytes(document)
    assert found(folder / "a.gltf") == ["data.bin", "wood grain.png"]
    (folder / "a.glb").write_bytes(b"glTF" + struct.pack("<IIII", 2, 20 + len(document), len(document), 0x4E4F534A) + document)
    assert found(folder / "a.glb") == ["data.bin", "wood grain.png"]


def test_dae(folder: Path) -> None:
    (folder / "a.dae").write_text(
        "<image><init_from>./maps/steel.png</init_from></image><image><init_from><ref>plain.png</ref></init_from>"
    )
    assert found(folder / "a.dae") == ["maps/steel.png", "plain.png"]


@pytest.mark.parametrize("name", ["a.stl", "a.step", "a.gltf", "a.glb", "a.obj", "a.ply", "a.dae", "a.zip"])
def test_a_file_that_names_nothing_or_is_damaged_goes_alone(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\xff\x00 mtllib\n[1")
    assert companions(folder / name) == []


def test_links_out_of_the_folder_are_not_followed(folder: Path) -> None:
    (folder / "link.png").symlink_to("../outside.png")
    cad = folder / "a.ply"
    cad.write_bytes(b"ply\ncomment TextureFile link.png\nend_header\n")
    assert companions(cad) == []
