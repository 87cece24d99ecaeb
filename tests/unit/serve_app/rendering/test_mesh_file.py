"""Jobs that write the mesh which they render, and which file they name for SAM-6D's other servers."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from render_actor.contract.types import CadMesh, SurfaceMaterial
from serve_app.base.settings import Settings
from serve_app.cad.loader import LoadedCad
from serve_app.jobs.job import Job
from serve_app.jobs.record import record_of
from serve_app.rendering.mesh_file import model_beside, sam6d_cad
from serve_app.templates.layouts.layout import MANIFEST
from serve_app.templates.layouts.sam6d import MODEL
from tests.unit.serve_app.made import make_spec
from tests.unit.serve_app.rendering.job_server import VIEWS, Server, restarted, started

VERTICES = np.array([[0.0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3]])
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], dtype=np.int32)
MESH = CadMesh("key", VERTICES, FACES, None, None, None, np.zeros(4, dtype=np.int32), (SurfaceMaterial(),), ())


class Reference:
    """As Ray's: whoever awaits it has the mesh."""

    def __await__(self) -> Generator[Any, None, CadMesh]:
        yield from ()
        return MESH


class Loader:
    async def load(self, path: Path, *_: Any) -> LoadedCad:
        corners = np.array([VERTICES.min(axis=0), VERTICES.max(axis=0)])
        return LoadedCad(path.name, path.name, Reference(), corners, {}, (), 0, {}, diameter=3.6)


@pytest.mark.parametrize(
    ("cad", "options", "file", "beside"),
    [
        ("a.stl", {"outputs": []}, "/in/a.stl", True),
        ("a.OBJ", {"outputs": ["mesh"]}, "/in/a.OBJ", True),
        ("a.ply", {"outputs": ["mesh"], "unit": "inch"}, "/out/a/model_mm.ply", True),
        ("a.step", {"outputs": ["depth"]}, None, True),
        ("a.glb", {"outputs": ["mesh"], "templates_subfolder": False}, "/out/a/model_mm.ply", False),
        ("a.glb", {"outputs": [], "layout": "cnos"}, None, False),
    ],
)
def test_the_file_for_the_other_servers_is_one_in_mm(cad: str, options: dict[str, Any], file: str | None, beside: bool) -> None:
    spec = make_spec("/out/a", f"/in/{cad}", **options)
    assert sam6d_cad(spec) == file and model_beside(spec) == beside


def test_a_mesh_that_is_itself_rendered_stays() -> None:
    assert not model_beside(make_spec("/out/a", f"/out/a/{MODEL}", outputs=[]))
    assert model_beside(make_spec("/out/a", f"/out/a/{MODEL}", outputs=["mesh"]))


async def accepted(server: Server, tmp_path: Path, **options: Any) -> Job:
    server.rendering._loader = Loader()  # type: ignore[assignment]
    spec = make_spec(str(tmp_path / "out"), str(tmp_path / "a.stl"), job_id="out", log_path=tmp_path / "log", resolution=64, **options)
    job = started(Job(spec))
    await server.store.insert(record_of(job))
    return job


async def test_a_job_publishes_the_mesh_in_mm_and_tells_of_it(
    tmp_path: Path, settings: Settings, server: Server, servers: list[Server]
) -> None:
    job = await accepted(server, tmp_path, unit="cm", outputs=["mesh"])
    await server.do(job)
    assert sorted(os.listdir(tmp_path / "out")) == [MODEL, "templates"]
    mesh = trimesh.load(tmp_path / "out" / MODEL, process=False)
    assert np.array_equal(mesh.vertices, VERTICES * 10) and np.array_equal(mesh.faces, FACES)
    record = record_of(job)
    assert record.cad is not None and record.cad["size_mm"] == [10.0, 20.0, 30.0] and record.cad["diameter_mm"] == 36.0
    assert record.cad["sam6d_cad"] == str(tmp_path / "out" / MODEL)
    manifest = json.loads((job.spec.templates_dir / MANIFEST).read_bytes())
    assert manifest["mesh"] == MODEL and manifest["cad"]["unit_from"] == "request" and "sam6d_cad" not in manifest["cad"]

    later = restarted(servers, settings)  # Which finds it published.
    again = started(Job(job.spec, recovered=True))
    later.rendering._loader = Loader()  # type: ignore[assignment]
    await later.do(again)
    assert again.progress.published and later.rendered == [] and record_of(again).cad == record.cad


async def test_a_mesh_in_the_folder_is_one_of_its_files_and_goes_with_the_next_job(tmp_path: Path, server: Server) -> None:
    job = await accepted(server, tmp_path, outputs=["mesh"], templates_subfolder=False)
    await server.do(job)
    assert (tmp_path / "out" / MODEL).is_file() and len(os.listdir(tmp_path / "out")) == 3 * VIEWS + 2
    spec = dataclasses.replace(job.spec, request=job.spec.request.model_copy(update={"outputs": []}))
    await server.do(started(Job(spec)))
    assert len(os.listdir(tmp_path / "out")) == 3 * VIEWS + 1
