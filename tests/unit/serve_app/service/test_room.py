from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from render_actor.contract.cameras import camera_poses
from serve_app.base.errors import ServiceError
from serve_app.jobs.job import Job, JobSpec
from serve_app.service import admission
from serve_app.service.admission import check_room, places_of
from serve_app.service.live_jobs import LiveJobs
from serve_app.service.size_estimate import disk_need
from tests.unit.serve_app.made import make_spec

MIB = 1 << 20
_K = {"fx": 600, "fy": 600, "cx": 512, "cy": 256}


def check(spec: JobSpec, live: LiveJobs, data_dir: Path, min_free_bytes: int) -> None:
    """As a request is checked."""
    check_room(places_of(spec, data_dir, min_free_bytes), spec, live)


def spec_of(output: Path, poses: Path | None = None, target: Path | None = None, **options: Any) -> JobSpec:
    options |= {"camera_poses_path": str(poses)} if poses else {}
    made = make_spec(str(output), poses_path=poses, **options)
    return dataclasses.replace(made, disk_need=disk_need(made.request, made.cad_path, poses, target or made.templates_dir))


def live_job(spec: JobSpec) -> Job:
    job = Job(spec)
    job.progress.accept()
    return job


def test_no_job_is_accepted_when_a_disk_is_low(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(spec_of(tmp_path), LiveJobs(), tmp_path, 1)
    with pytest.raises(ServiceError) as caught:
        check(spec_of(tmp_path / "not" / "there"), LiveJobs(), tmp_path, 10**18)
    assert (caught.value.code, caught.value.field) == ("storage_full", "output_dir")
    assert repr(str(tmp_path / "not" / "there")) in caught.value.detail
    real = os.statvfs

    def low(path: Any) -> Any:
        status = real(path)
        return os.statvfs_result([*status[:4], 0, *status[5:]]) if str(path) == "/dev/shm" else status

    monkeypatch.setattr(os, "statvfs", low)
    with pytest.raises(ServiceError, match="/dev/shm"):
        check(spec_of(tmp_path), LiveJobs(), tmp_path, 1)
    check(spec_of(tmp_path), LiveJobs(), tmp_path, 0)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Lets a test say how many bytes are free, everywhere."""
    state = {"free": 0}
    monkeypatch.setattr(admission, "disk_space", lambda path: (state["free"], state["free"]))
    return state


@pytest.mark.parametrize(("name", "mesh"), [("part.step", 3 * MIB), ("part.3MF", 10 * MIB), ("gone.step", 0)])
def test_the_mesh_is_counted_where_it_is_written(name: str, mesh: int, tmp_path: Path) -> None:
    cad = tmp_path / name
    if "gone" not in name:
        cad.write_bytes(bytes(MIB))
    request = make_spec(str(tmp_path / "a")).request
    needs = [disk_need(request.model_copy(update={"outputs": outputs}), cad, None, tmp_path / "a").bytes for outputs in ([], ["mesh"])]
    assert needs[1] - needs[0] == mesh


def test_what_a_job_writes_is_counted_by_its_cameras(tmp_path: Path, disk: dict[str, int]) -> None:
    np.save(tmp_path / "many.npy", np.repeat(camera_poses(0)[:1], 2048, axis=0))
    np.save(tmp_path / "bad.npy", np.zeros((4, 4)))
    for asked, views in (
        (spec_of(tmp_path / "a"), 42),
        (spec_of(tmp_path / "a", level=2), 642),
        (spec_of(tmp_path / "a", tmp_path / "many.npy"), 2048),
        (spec_of(tmp_path / "a", camera={"poses": {"level": 1}}), 162),
        (spec_of(tmp_path / "a", camera={"poses": {"viewpoints": {"fibonacci": 57, "in_plane": 14}}}), 798),
        (spec_of(tmp_path / "a", camera={"K": _K, "width": 1024, "height": 512}), 42 * 2),
        (spec_of(tmp_path / "a", camera={"crop": {"size": 256}, "poses": {"level": 1}}), 162 / 4),
        (spec_of(tmp_path / "a", tmp_path / "bad.npy"), 0),
        (spec_of(tmp_path / "a", tmp_path / "gone.npy"), 0),
    ):
        disk["free"] = 10 * MIB + int(views * 2 * MIB)
        check(asked, LiveJobs(), tmp_path, 10 * MIB)
        disk["free"] -= 1
        with pytest.raises(ServiceError):
            check(asked, LiveJobs(), tmp_path, 10 * MIB)


async def test_what_accepted_jobs_have_yet_to_write_is_theirs(tmp_path: Path, disk: dict[str, int]) -> None:
    for name in ("old", "waits"):  # An empty folder frees nothing.
        (tmp_path / name / "templates").mkdir(parents=True)
    (tmp_path / "old" / "templates" / "rgb_0.png").write_text("x")
    waits, runs, ended, again = (live_job(spec_of(tmp_path / name)) for name in ("waits", "runs", "ended", "old"))
    live = LiveJobs()
    away = live_job(spec_of(tmp_path / "away", target=Path("/proc/away")))
    for item in (runs, ended):
        item.progress.start()
        item.progress.total_poses = 42
        item.progress.views_done(dict.fromkeys(range(21), 1.0))
    ended.progress.fail(ServiceError("render_failed", "no"))
    for item in (waits, runs, ended, again, away):
        live.add(item)
    disk["free"] = 10 * MIB + (42 + 42 + 21) * 2 * MIB
    check(spec_of(tmp_path / "new"), live, tmp_path, 10 * MIB)
    disk["free"] -= 1
    with pytest.raises(ServiceError, match="126 of them for jobs that were accepted before") as caught:
        check(spec_of(tmp_path / "new"), live, tmp_path, 10 * MIB)
    assert (caught.value.code, caught.value.field) == ("storage_full", "output_dir")
    check(spec_of(Path("/proc/new")), live, tmp_path, 10 * MIB)
