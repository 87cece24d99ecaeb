"""What a request is checked for at the door."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serve_app.base.errors import ServiceError
from serve_app.base.file_digests import FileDigests
from serve_app.base.settings import Settings
from serve_app.cad.loader import LARGE_BYTES
from serve_app.jobs.quarantine import Quarantine
from serve_app.jobs.request import RenderRequest
from serve_app.jobs.store import JobStore
from serve_app.service.intake import Intake
from serve_app.templates.layouts.sam6d import MODEL
from serve_app.uploads.store import UploadStore


class Door:
    """An intake with its quarantine."""

    def __init__(self, settings: Settings) -> None:
        self.store = JobStore(settings.data_dir)
        self.quarantine = Quarantine(self.store, 3600)
        self.uploads = UploadStore.of_server(settings, lambda upload_id: False)
        self.intake = Intake(settings.model_copy(update={"min_free_bytes": 0}), self.quarantine, FileDigests(), self.uploads)

    def passes(self, request: RenderRequest) -> None:
        self.intake.check(self.intake.resolve(request))


@pytest.fixture
def door(settings: Settings) -> Iterator[Door]:
    door = Door(settings)
    yield door
    door.store.close()


def request(folder: Path, name: str = "cad.ply", **options: Any) -> RenderRequest:
    return RenderRequest(cad_path=str(folder / name), output_dir=str(folder / "out"), **options)


async def test_a_quarantined_cad_is_refused_until_it_is_changed(door: Door, tmp_path: Path) -> None:
    (tmp_path / "cad.ply").write_bytes(b"ply")
    await door.quarantine.add(hashlib.sha256(b"ply").hexdigest(), "it killed two")
    with pytest.raises(ServiceError) as caught:
        door.passes(request(tmp_path))
    assert caught.value.code == "cad_quarantined"
    (tmp_path / "cad.ply").write_bytes(b"ply repaired")
    door.passes(request(tmp_path))


async def test_the_door_reads_no_cad_that_is_large_or_no_file(door: Door, tmp_path: Path) -> None:
    """They would hold up the few threads that all requests share; whoever parses the CAD finds what is wrong."""
    await door.quarantine.add("0" * 64, "it killed two")
    with (tmp_path / "cad.ply").open("wb") as file:
        file.truncate(1 << 38)
    door.passes(request(tmp_path))
    spec = door.intake.resolve(request(tmp_path))
    (tmp_path / "cad.ply").unlink()
    os.mkfifo(tmp_path / "cad.ply")
    door.intake.check(spec)  # To open the pipe would wait for a writer for ever.


@pytest.mark.parametrize(("size", "large"), [(LARGE_BYTES, False), (LARGE_BYTES + 1, True)])
def test_a_job_knows_whether_its_cad_is_large(door: Door, tmp_path: Path, size: int, large: bool) -> None:
    with (tmp_path / "cad.ply").open("wb") as file:
        file.truncate(size)
    assert door.intake.resolve(request(tmp_path)).large is large


def test_a_root_itself_is_never_replaced(door: Door, tmp_path: Path) -> None:
    (tmp_path / "cad.ply").write_bytes(b"ply")
    asked = RenderRequest(cad_path=str(tmp_path / "cad.ply"), output_dir=str(tmp_path), templates_subfolder=False)
    with pytest.raises(ServiceError, match="is itself one of RENDER_OUTPUT_ROOTS"):
        door.intake.resolve(asked)


@pytest.mark.parametrize("unit", ["auto", "inch"])
def test_a_mesh_of_somebody_else_is_refused_where_one_would_be_written(door: Door, tmp_path: Path, unit: str) -> None:
    (tmp_path / "cad.ply").write_bytes(b"ply")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / MODEL).write_bytes(b"ply\nsomebody's own")
    if unit == "auto":  # The CAD itself is in mm: no mesh is written.
        assert not door.intake.resolve(request(tmp_path, unit=unit)).wants_mesh
        return
    with pytest.raises(ServiceError, match=MODEL) as caught:
        door.intake.resolve(request(tmp_path, unit=unit))
    assert (caught.value.code, caught.value.field) == ("output_not_replaceable", "output_dir")
    assert door.intake.resolve(request(tmp_path, unit=unit, outputs=[])).wants_mesh is False
