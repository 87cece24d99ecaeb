"""The mesh beside the templates comes and goes with them, and never over what somebody else has put there."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from render_actor.contract.model_file import MESH_COMMENT
from serve_app.base import directory
from serve_app.base.directory import Directory
from serve_app.base.errors import ServiceError
from serve_app.templates import staging as staging_module
from serve_app.templates.layouts.sam6d import MODEL
from serve_app.templates.leftovers import mesh_name, remove_leftovers_of, staging_folders
from serve_app.templates.replaceable import others_in
from serve_app.templates.staging import StagingFolder
from tests.unit.serve_app.templates_made import staging_at, template

OLD, NEW = 1, 2


def model(number: int) -> bytes:
    return f"ply\nformat binary_little_endian 1.0\ncomment {MESH_COMMENT}\nelement vertex {number}\n".encode()


def staged(root: Path, brightness: int, *, mesh: bool = True, job: str = "job") -> tuple[StagingFolder, dict[str, int]]:
    staging = staging_at(root, root / "templates", job)
    staging.open()
    files = {"rgb_0.png": template("rgb_0.png", brightness)} | ({MODEL: model(brightness)} if mesh else {})
    for name, data in files.items():
        staging.write(name, data[:5], memoryview(data)[5:])
    return staging, {name: len(data) for name, data in files.items()}


def published(root: Path, brightness: int, **more: Any) -> None:
    staging, files = staged(root, brightness, **more)
    try:
        staging.publish(files, model_beside=True)
    except BaseException:
        staging.discard()
        raise


def state(root: Path) -> tuple[int | None, int | None]:
    """Which mesh, and which templates, are there; nothing else may be."""
    mesh = next((number for number in (OLD, NEW) if (root / MODEL).exists() and (root / MODEL).read_bytes() == model(number)), None)
    rgb = root / "templates/rgb_0.png"
    templates = next((number for number in (OLD, NEW) if rgb.exists() and rgb.read_bytes() == template("rgb_0.png", number)), None)
    assert {path.name for path in root.iterdir()} <= {MODEL, "templates"} and not (root / "templates" / MODEL).exists()
    return mesh, templates


@pytest.fixture(params=[True, False], ids=["exchange", "nfs"])
def exchange(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if not request.param:  # Flags that the kernel does not know.
        monkeypatch.setattr(directory, "_RENAME_EXCHANGE", 1 << 20)
        monkeypatch.setattr(directory, "_RENAME_NOREPLACE", 1 << 20)
    return bool(request.param)


def test_a_mesh_comes_with_its_templates_and_goes_with_them(tmp_path: Path, exchange: bool) -> None:
    published(tmp_path, OLD)
    assert state(tmp_path) == (OLD, OLD)
    published(tmp_path, NEW)
    assert state(tmp_path) == (NEW, NEW)
    published(tmp_path, OLD, mesh=False)
    assert state(tmp_path) == (None, OLD)


@pytest.mark.parametrize(("before", "mesh"), [(True, True), (True, False), (False, True)])
def test_where_the_templates_cannot_be_published_the_mesh_is_as_it_was(
    tmp_path: Path, exchange: bool, before: bool, mesh: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if before:
        published(tmp_path, OLD)

    def failing(*_: object) -> None:
        assert (tmp_path / MODEL).exists() == mesh, "the mesh is there before the templates are"
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(staging_module, "put_in_place", failing)
    with pytest.raises(ServiceError, match="Input/output error"):
        published(tmp_path, NEW, mesh=mesh)
    assert state(tmp_path) == ((OLD, OLD) if before else (None, None))


def _file(path: Path) -> None:
    path.write_bytes(b"ply\nformat ascii 1.0\ncomment somebody's own\n")


def _folder(path: Path) -> None:
    path.mkdir()


def _link(path: Path) -> None:
    (path.parent.parent / "elsewhere.ply").write_bytes(model(OLD))
    path.symlink_to(path.parent.parent / "elsewhere.ply")


@pytest.mark.parametrize("make", [_file, _folder, _link])
def test_what_somebody_else_has_put_there_stays(tmp_path: Path, make: Callable[[Path], None]) -> None:
    root = tmp_path / "out"
    root.mkdir()
    make(root / MODEL)
    before = os.lstat(root / MODEL)
    with pytest.raises(ServiceError, match=f"{MODEL}' is something else than the server writes") as caught:
        published(root, NEW)
    assert caught.value.code == "output_not_replaceable" and not (root / "templates").exists()
    published(root, NEW, mesh=False)
    after = os.lstat(root / MODEL)
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size) and (root / "templates/rgb_0.png").exists()


@pytest.mark.parametrize("mesh", [True, False])
def test_what_comes_in_the_last_moment_is_moved_back(tmp_path: Path, mesh: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    published(tmp_path, OLD)
    came = list[bool]()
    moves = {"exchange": Directory.exchange, "rename": Directory.rename}

    def late(name: str) -> Callable[..., Any]:
        def moved(self: Directory, one: str, other: str) -> Any:
            if MODEL in (one, other) and not came:
                came.append(True)
                (tmp_path / MODEL).write_bytes(b"a letter")
            return moves[name](self, one, other)

        return moved

    for name in moves:
        monkeypatch.setattr(Directory, name, late(name))
    if mesh:
        with pytest.raises(ServiceError, match="something else than the server writes"):
            published(tmp_path, NEW)
    else:
        published(tmp_path, NEW, mesh=False)
    assert (tmp_path / MODEL).read_bytes() == b"a letter"
    assert {path.name for path in tmp_path.iterdir()} == {MODEL, "templates"}


@pytest.mark.parametrize("data", [model(OLD), model(OLD)[:30], b""])
def test_a_mesh_that_a_kill_has_left_is_removed_with_the_jobs_leftovers(tmp_path: Path, data: bytes) -> None:
    left, others = tmp_path / mesh_name("job", "0" * 16), tmp_path / mesh_name("job", "1" * 16)
    left.write_bytes(data)
    others.write_bytes(b"no mesh at all, but of this name" * 20)
    with Directory.open(tmp_path) as parent:
        assert staging_folders(parent) == {left.name: "job", others.name: "job"}
        remove_leftovers_of(parent, "job", "templates")
    assert not left.exists() and others.exists()


def test_a_folder_with_a_mesh_in_it_is_replaced_as_one_of_ours(tmp_path: Path) -> None:
    (tmp_path / MODEL).write_bytes(model(OLD))
    with Directory.open(tmp_path) as folder:
        assert others_in(folder) == []
        (tmp_path / MODEL).write_bytes(b"ply\nformat ascii 1.0\n")
        assert others_in(folder) == [MODEL]
