from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from render_actor.contract.cameras import camera_poses
from serve_app.base import disk as storage
from serve_app.base.disk import check_room
from serve_app.base.errors import ServiceError
from serve_app.jobs.job import Job
from serve_app.jobs.request import RenderRequest
from serve_app.service.disk_need import disk_need

MIB = 1 << 20


def job(output: Path, poses: Path | None = None, **options: Any) -> Job:
    request = RenderRequest(cad_path="a.ply", output_dir="shown", camera_poses_path=str(poses) if poses else None, **options)
    made = Job(request, Path("/in/a.ply"), output, Path("log"))
    made.need = disk_need(request, poses, made.templates_dir)
    return made


def test_no_job_is_accepted_when_a_disk_is_low(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_room(job(tmp_path), [], tmp_path, 1)
    with pytest.raises(ServiceError) as caught:
        check_room(job(tmp_path / "not" / "there"), [], tmp_path, 10**18)
    assert caught.value.code == "storage_full" and caught.value.field == "output_dir" and "'shown'" in caught.value.detail
    real = os.statvfs

    def low(path: Any) -> Any:
        status = real(path)
        return os.statvfs_result([*status[:4], 0, *status[5:]]) if str(path) == "/dev/shm" else status

    monkeypatch.setattr(os, "statvfs", low)
    with pytest.raises(ServiceError, match="/dev/shm"):
        check_room(job(tmp_path), [], tmp_path, 1)
    check_room(job(tmp_path), [], tmp_path, 0)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Lets a test say how many bytes are free, everywhere."""
    state = {"free": 0}
    monkeypatch.setattr(storage, "_space", lambda path: (state["free"], state["free"]))
    return state


def test_what_a_job_writes_is_counted_by_its_cameras(tmp_path: Path, disk: dict[str, int]) -> None:
    np.save(tmp_path / "many.npy", np.repeat(camera_poses(0)[:1], 2048, axis=0))
    np.save(tmp_path / "bad.npy", np.zeros((4, 4)))
    for asked, views in (
        (job(tmp_path / "a"), 42),
        (job(tmp_path / "a", level=2), 642),
        (job(tmp_path / "a", tmp_path / "many.npy"), 2048),
        (job(tmp_path / "a", tmp_path / "bad.npy"), 0),
        (job(tmp_path / "a", tmp_path / "gone.npy"), 0),
    ):
        disk["free"] = 10 * MIB + views * 2 * MIB
        check_room(asked, [], tmp_path, 10 * MIB)
        disk["free"] -= 1
        with pytest.raises(ServiceError):
            check_room(asked, [], tmp_path, 10 * MIB)


def test_what_accepted_jobs_have_yet_to_write_is_theirs(tmp_path: Path, disk: dict[str, int]) -> None:
    for name in ("old", "waits"):  # An empty folder frees nothing.
        (tmp_path / name / "templates").mkdir(parents=True)
    (tmp_path / "old" / "templates" / "rgb_0.png").write_text("x")
    waits, runs, ended, again, away = (job(tmp_path / name) for name in ("waits", "runs", "ended", "old", "away"))
    for item in (runs, ended):
        item.move_to("running")
        item.total_poses = 42
        item.view_seconds = dict.fromkeys(range(21), 1.0)
    ended.move_to("failed")
    away.need = disk_need(away.request, None, Path("/proc/away"))
    live = [waits, runs, ended, again, away]
    disk["free"] = 10 * MIB + (42 + 42 + 21) * 2 * MIB
    check_room(job(tmp_path / "new"), live, tmp_path, 10 * MIB)
    disk["free"] -= 1
    with pytest.raises(ServiceError, match="126 of them for jobs that were accepted before") as caught:
        check_room(job(tmp_path / "new"), live, tmp_path, 10 * MIB)
    assert (caught.value.code, caught.value.field) == ("storage_full", "output_dir")
    check_room(job(Path("/proc/new")), live, tmp_path, 10 * MIB)
