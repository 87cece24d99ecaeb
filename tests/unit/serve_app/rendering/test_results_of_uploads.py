"""Jobs whose results the server keeps: published in its data folder, whatever renderers see of that, and taken up after a restart."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest

from render_actor.contract.types import Sink
from serve_app.base.settings import Settings
from serve_app.jobs.job import Job
from serve_app.jobs.record import record_of
from serve_app.jobs.request import RenderRequest
from serve_app.templates.arrivals import Arrivals
from serve_app.templates.layouts.layout import MANIFEST
from tests.unit.serve_app.made import make_spec
from tests.unit.serve_app.rendering.job_server import EVERYTHING, VIEWS, Server, accepted, files_of, put_back, restarted, started


async def of_an_upload(server: Server, settings: Settings, job_id: str) -> Job:
    """A job of an upload without an output folder, that has its slot."""
    request = RenderRequest(upload_id="0" * 32, cad="a.ply", resolution=64, outputs=[], object_id=1)
    spec = make_spec(str(settings.results_dir / job_id), "/up/a.ply", job_id=job_id, log_path=settings.log_dir / "log")
    job = started(Job(dataclasses.replace(spec, request=request, folder="templates", results_ttl_sec=60.0)))
    await server.store.insert(record_of(job))
    return job


async def test_results_are_published_in_the_data_folder_and_cached(tmp_path: Path, server: Server, settings: Settings) -> None:
    job = await of_an_upload(server, settings, "mine")
    await server.do(job)
    assert os.listdir(settings.results_dir / "mine") == ["templates"] and files_of(job) == EVERYTHING
    manifest = json.loads((job.spec.templates_dir / MANIFEST).read_text())
    assert manifest["job_id"] == "mine" and str(tmp_path) not in json.dumps(manifest)
    again, on_disk = await of_an_upload(server, settings, "again"), await accepted(server, tmp_path, "on_disk")
    for other in (again, on_disk):
        await server.do(other)
        assert other.progress.cached and files_of(other) == EVERYTHING
    assert len(server.rendered) == VIEWS


async def test_results_come_through_the_object_store_where_renderers_do_not_see_the_data_folder(
    tmp_path: Path, settings: Settings, servers: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where they must write into output folders: these are shared, and the data folder is not."""
    server = restarted(servers, settings.model_copy(update={"sink": "direct"}))
    monkeypatch.setattr(Arrivals, "sink", lambda self, required: Sink(str(tmp_path / "elsewhere"), "0" * 32, "out", required))
    job = await of_an_upload(server, settings, "mine")
    await server.do(job)
    assert len(server.fetched) == VIEWS and files_of(job) == EVERYTHING


async def test_results_go_on_after_a_restart(settings: Settings, server: Server, servers: list[Server]) -> None:
    server.stalls_at = 10
    job = await of_an_upload(server, settings, "mine")
    done = await put_back(server, job)
    later = restarted(servers, settings)
    again = started(Job(job.spec, recovered=True))
    await later.do(again)
    assert done and sorted(later.rendered) == sorted(set(range(VIEWS)) - done) and files_of(again) == EVERYTHING
    assert os.listdir(settings.results_dir / "mine") == ["templates"]
