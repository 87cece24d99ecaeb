from __future__ import annotations

from pathlib import Path

import pytest

from serve_app.base import metrics
from serve_app.base.settings import Settings
from serve_app.jobs.store import JobStore
from serve_app.service import gauges
from serve_app.service.gauges import ServiceGauges
from serve_app.service.kept_results import KeptResults
from serve_app.service.live_jobs import LiveJobs
from serve_app.templates.cache import TemplateCache
from serve_app.uploads.resumable import ResumableUploads
from serve_app.uploads.store import UploadStore
from tests.unit.serve_app.made import accepted_job
from tests.unit.serve_app.rendering.fakes import until
from tests.unit.serve_app.uploads.made import CAD


@pytest.fixture(autouse=True)
def _no_values() -> None:
    for gauge in (metrics.DISK_FREE, metrics.DISK_MIN_FREE):
        gauge.values().clear()


def gauges_of(settings: Settings, jobs: LiveJobs, folder: Path) -> ServiceGauges:
    """Of a service with nothing in its folders but what lies there already."""
    uploads = UploadStore.of_server(settings, lambda upload_id: False)
    results = KeptResults(settings, JobStore(settings.data_dir), lambda job_id: False)
    return ServiceGauges(settings, jobs, TemplateCache(folder / "cache", 0), uploads, ResumableUploads(uploads), results)


async def test_the_queue_is_told_with_the_age_of_its_oldest(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = LiveJobs()
    told = gauges_of(settings, jobs, tmp_path)
    told.measure(ready=False)
    assert metrics.QUEUE_OLDEST.values() == {(): 0} and metrics.READY.values() == {(): 0}
    running, waiting, later = (accepted_job(f"/out/{name}") for name in "abc")
    for age, job in enumerate((running, waiting, later)):
        monkeypatch.setattr(job.progress, "_arrived", job.progress._arrived - 100 * (3 - age))
        jobs.add(job)
    running.progress.start()
    told.measure(ready=True)
    assert metrics.JOBS.values() == {("queued",): 2, ("running",): 1}
    assert 200 <= metrics.QUEUE_OLDEST.values()[()] < 300 and metrics.READY.values() == {(): 1}
    assert metrics.CACHE_BYTES.values() == {(): 0} and metrics.CACHE_ENTRIES.values() == {(): 0}


async def test_disks_are_told_beside_and_a_root_that_is_not_there_is_not(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, data = tmp_path / "out", tmp_path / "data"
    out.mkdir()
    data.mkdir()
    changed = settings.model_copy(update={"output_roots": [out, tmp_path / "none"], "data_dir": data, "min_free_bytes": 77})
    monkeypatch.setattr(gauges, "free_bytes", lambda path: 1000 if path == data else 2000)
    told = gauges_of(changed, LiveJobs(), tmp_path)
    told.measure(ready=True)
    await until(lambda: len(metrics.DISK_FREE.values()) == 2 == len(metrics.DISK_MIN_FREE.values()))
    assert metrics.DISK_FREE.values() == {("output", str(out)): 2000, ("data", str(data)): 1000}
    assert set(metrics.DISK_MIN_FREE.values().values()) == {77}


async def test_uploads_are_told_whole_or_not(settings: Settings, tmp_path: Path) -> None:
    uploads = UploadStore.of_server(settings.model_copy(update={"min_free_bytes": 0}), lambda upload_id: False)
    resumable = ResumableUploads(uploads)
    incoming = uploads.receive()
    incoming.begin("a.stl")
    incoming.write(CAD)
    incoming.end()
    uploads.add(incoming.finish())
    await resumable.create("b.stl", 1000)
    results = KeptResults(settings, JobStore(settings.data_dir), lambda job_id: False)
    ServiceGauges(settings, LiveJobs(), TemplateCache(tmp_path / "cache", 0), uploads, resumable, results).measure(ready=True)
    assert metrics.UPLOADS.values() == {("complete",): 1, ("incomplete",): 1}
    assert metrics.UPLOADS_BYTES.values() == {(): len(CAD) + 1000} and metrics.RESULTS.values() == metrics.RESULTS_BYTES.values() == {(): 0}
