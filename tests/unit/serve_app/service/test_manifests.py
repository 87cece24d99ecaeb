"""Where the manifest of a job is found."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from serve_app.base.errors import ServiceError
from serve_app.jobs.record import JobRecord, record_of
from serve_app.service.manifests import manifest_of
from serve_app.templates.kept_manifests import KeptManifests
from tests.unit.serve_app.made import make_job
from tests.unit.serve_app.templates_made import roots_at

MANIFEST = b'{\n "format": 1,\n "job_id": "j1"}'


def record(tmp_path: Path) -> JobRecord:
    return dataclasses.replace(record_of(make_job(str(tmp_path / "out"), job_id="j1")), status="succeeded")


def found(tmp_path: Path, **changes: str) -> bytes:
    return manifest_of(dataclasses.replace(record(tmp_path), **changes), roots_at(tmp_path), KeptManifests(tmp_path / "kept"))  # type: ignore[arg-type]


def test_it_lies_in_the_published_folder_or_with_the_server(tmp_path: Path) -> None:
    KeptManifests(tmp_path / "kept").write("j1", MANIFEST)
    assert found(tmp_path) == MANIFEST
    KeptManifests(tmp_path / "kept").remove("j1")
    (tmp_path / "out" / "templates").mkdir(parents=True)
    (tmp_path / "out" / "templates" / "manifest.json").write_bytes(MANIFEST)
    assert found(tmp_path) == MANIFEST


@pytest.mark.parametrize("content", [None, b'{\n "format": 1,\n "job_id": "another"}', b"not ours"])
def test_another_jobs_is_never_given(tmp_path: Path, content: bytes | None) -> None:
    (tmp_path / "out" / "templates").mkdir(parents=True)
    if content is not None:
        (tmp_path / "out" / "templates" / "manifest.json").write_bytes(content)
    with pytest.raises(ServiceError, match="not there any more, or are another job's") as caught:
        found(tmp_path)
    assert caught.value.code == "not_found"


def test_a_job_that_has_not_succeeded_has_none(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="is running"):
        found(tmp_path, status="running")


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.json").write_bytes(MANIFEST)
    (tmp_path / "out" / "templates").mkdir(parents=True)
    (tmp_path / "out" / "templates" / "manifest.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(ServiceError):
        found(tmp_path)
