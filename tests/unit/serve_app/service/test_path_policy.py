from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import BinaryIO

import pytest

from serve_app.base.errors import ServiceError
from serve_app.base.regular_file import open_regular_file
from serve_app.base.settings import Settings
from serve_app.jobs.request import RenderRequest
from serve_app.service import path_policy
from serve_app.service.path_policy import PathPolicy


@pytest.fixture
def policy(settings: Settings, tmp_path: Path) -> PathPolicy:
    (tmp_path / "part.stl").write_bytes(b"solid")
    for name in ("part.xyz", "part.SLDPRT", "part"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder.ply").mkdir()
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "out_link").symlink_to("/etc")
    (tmp_path / "cad_link.stl").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe.stl")
    return PathPolicy(settings)


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("gone.stl", "cad_not_found", "CAD file not found or invalid format"),
        ("folder.ply", "cad_not_a_file", "is a folder"),
        ("pipe.stl", "cad_not_a_file", "not a regular file"),
        ("part.xyz", "cad_format_unsupported", "ends in '.xyz', and .ply, .obj, .stl, .glb"),
        ("part.SLDPRT", "cad_format_unsupported", "export it from SolidWorks as STEP (.step)"),
        ("part", "cad_format_unsupported", "has no ending"),
        ("../outside.stl", "path_outside_roots", "RENDER_INPUT_ROOTS"),
        ("cad_link.stl", "path_outside_roots", "RENDER_INPUT_ROOTS"),
        ("part.stl/deeper.stl", "cad_not_found", "CAD file not found or invalid format"),
        ("nul\0.stl", "validation_error", "must be a path"),
        ("x" * 3000 + ".stl", "cad_not_found", "CAD file not found or invalid format"),
    ],
)
def test_a_bad_cad_path_is_refused_with_its_reason(policy: PathPolicy, tmp_path: Path, name: str, code: str, words: str) -> None:
    with pytest.raises(ServiceError) as caught:
        policy.cad(f"{tmp_path}/{name}")
    assert (caught.value.code, caught.value.field) == (code, "cad_path")
    assert words in caught.value.detail


@pytest.mark.parametrize("text", ["", " \t\n", "\0", "part.stl\0", "\x1f"])
def test_text_that_is_no_path_is_refused_as_the_schema_has_it(policy: PathPolicy, text: str) -> None:
    for check in (policy.cad, policy.poses, policy.output):
        with pytest.raises(ServiceError, match="must be a path") as caught:
            check(text)
        assert caught.value.code == "validation_error"
    field = RenderRequest.model_json_schema()["properties"]["cad_path"]["anyOf"][0]
    assert len(text) < field["minLength"] or not re.search(field["pattern"], text)


def test_a_path_that_cannot_be_is_one_that_is_not_there(policy: PathPolicy) -> None:
    """Its text is a path, so the request is valid: no 422."""
    for check, code in ((policy.cad, "cad_not_found"), (policy.poses, "not_found"), (policy.output, "output_not_writable")):
        with pytest.raises(ServiceError, match="not a usable path") as caught:
            check("~nobody-of-this-name/part.stl")
        assert caught.value.code == code


def test_an_unreadable_cad_is_refused(policy: PathPolicy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> BinaryIO:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(path_policy, "open_regular_file", refused)  # The tests may run as root, who may read everything.
    with pytest.raises(ServiceError) as caught:
        policy.cad(str(tmp_path / "part.stl"))
    assert caught.value.code == "cad_unreadable"


def test_a_cad_that_goes_away_while_it_is_looked_at_is_not_there(
    policy: PathPolicy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def moved(path: Path) -> BinaryIO:
        path.rename(tmp_path / "elsewhere")
        return open_regular_file(path)

    monkeypatch.setattr(path_policy, "open_regular_file", moved)
    with pytest.raises(ServiceError) as caught:
        policy.cad(str(tmp_path / "part.stl"))
    assert caught.value.code == "cad_not_found"


def test_a_good_cad_path_is_resolved(policy: PathPolicy, tmp_path: Path) -> None:
    assert policy.cad(f"{tmp_path}/./folder.ply/../part.stl") == (tmp_path / "part.stl").resolve()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("out_link/x", "path_outside_roots"),
        ("../x", "path_outside_roots"),
        ("file/x", "output_not_writable"),
        ("file", "output_not_writable"),
    ],
)
def test_a_bad_output_is_refused(policy: PathPolicy, tmp_path: Path, name: str, code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        policy.output(f"{tmp_path}/{name}")
    assert (caught.value.code, caught.value.field) == (code, "output_dir")


def test_an_output_may_be_new(policy: PathPolicy, tmp_path: Path) -> None:
    assert policy.output(f"{tmp_path}/a/b/c") == tmp_path.resolve() / "a/b/c"
    assert not (tmp_path / "a").exists()


def test_roots_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RENDER_INPUT_ROOTS", f"{tmp_path}:/srv/cads")
    monkeypatch.setenv("BLENDER_PROC_SAMPLES", "7")
    settings = Settings()
    assert settings.resolved_input_roots == [tmp_path.resolve(), Path("/srv/cads")]
    assert settings.resolved_output_roots == [Path.cwd() / "output", Path("/workspace")]
    assert settings.samples == 7
