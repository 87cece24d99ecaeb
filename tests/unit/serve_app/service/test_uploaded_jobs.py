"""Jobs that are made of uploads: where their files are, how they are told, and that they go on after a restart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from serve_app.base.errors import ServiceError
from serve_app.base.file_digests import FileDigests
from serve_app.base.output_roots import OutputRoots
from serve_app.base.settings import Settings
from serve_app.http.job_answer import job_answer
from serve_app.jobs.job import Job
from serve_app.jobs.quarantine import Quarantine
from serve_app.jobs.record import record_of
from serve_app.jobs.request import RenderRequest
from serve_app.jobs.store import JobStore
from serve_app.service.intake import Intake
from serve_app.service.live_jobs import LiveJobs
from serve_app.service.recovery import recover_jobs
from serve_app.service.request_hash import hash_of
from serve_app.uploads.store import UploadStore
from serve_app.uploads.upload import Upload
from tests.unit.serve_app.made import make_job
from tests.unit.serve_app.uploads.made import CAD


class Door:
    """What a request passes, and the uploads that it may name."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings.model_copy(update={"min_free_bytes": 0})
        self.store = JobStore(settings.data_dir)
        self.uploads = UploadStore.of_server(self.settings, lambda upload_id: False)
        self.intake = Intake(self.settings, Quarantine(self.store, 0), FileDigests(), self.uploads)

    def upload(self, *names: str) -> Upload:
        incoming = self.uploads.receive()
        for name in names:
            incoming.begin(name)
            incoming.write(CAD)
            incoming.end()
        upload = incoming.finish()
        self.uploads.add(upload)
        return upload

    def job(self, job_id: str = "mine", **fields: Any) -> Job:
        job = Job(self.intake.resolve(RenderRequest(**fields), job_id=job_id))
        job.progress.accept()
        return job


@pytest.fixture
def door(settings: Settings) -> Iterator[Door]:
    door = Door(settings)
    yield door
    door.store.close()


def test_a_job_is_told_without_a_path_of_the_server(door: Door, tmp_path: Path) -> None:
    upload = door.upload("obj_000007.stl")
    job = door.job(upload_id=upload.upload_id)
    assert job.spec.cad_path == tmp_path / f"data/uploads/{upload.upload_id}/files/obj_000007.stl" and job.spec.request.object_id == 7
    assert job.spec.templates_dir == tmp_path / "data/results/mine/templates"
    told = job_answer(record_of(job)).model_dump(exclude_unset=True)
    assert (told["cad_path"], told["output_dir"]) == (f"upload:{upload.upload_id}/obj_000007.stl", "results:mine")
    assert told["templates_dir"] == "results:mine/templates" and told["log_path"] == "logs/mine.log"
    assert told["options"]["upload_id"] == upload.upload_id and told["options"]["cad"] == "obj_000007.stl"
    assert str(tmp_path) not in json.dumps(told) and "results_expire_at" not in told


def test_a_job_of_a_path_is_told_as_ever(door: Door, tmp_path: Path) -> None:
    (tmp_path / "a.stl").write_bytes(CAD)
    told = job_answer(record_of(door.job(cad_path=str(tmp_path / "a.stl"), output_dir=str(tmp_path / "out"))))
    assert not {"upload_id", "cad"} & set(told.options)


async def test_a_job_goes_on_after_a_restart(door: Door) -> None:
    upload = door.upload("a.obj", "b/c.obj")
    for job in (door.job("one", upload_id=upload.upload_id, cad="b/c.obj"), door.job("two", upload_id=upload.upload_id, cad="a.obj")):
        await door.store.insert(record_of(job))
    later = Intake(door.settings, Quarantine(door.store, 0), FileDigests(), UploadStore.of_server(door.settings, lambda upload_id: False))
    jobs = await recover_jobs(door.store, later, OutputRoots.of_server(door.settings))
    assert [job.spec.cad_path.name for job in jobs] == ["c.obj", "a.obj"]
    assert [job.spec.output_text for job in jobs] == ["results:one", "results:two"] and jobs[0].spec.results_ttl_sec
    assert [record_of(job).options for job in jobs] == [record.options for record in await door.store.unfinished()]


async def test_a_job_whose_upload_is_gone_fails_at_the_restart(door: Door) -> None:
    upload = door.upload("a.obj")
    await door.store.insert(record_of(door.job(upload_id=upload.upload_id)))
    await door.uploads.remove(upload.upload_id)
    assert not await recover_jobs(door.store, door.intake, OutputRoots.of_server(door.settings))
    record = await door.store.get("mine")
    assert record is not None and record.error is not None and record.error.code == "upload_expired"


def test_no_path_of_a_request_leads_to_what_clients_have_sent_or_had_rendered(door: Door, tmp_path: Path) -> None:
    """The data folder lies in an input and output root here."""
    upload = door.upload("a.stl")
    kept = tmp_path / "data/uploads" / upload.upload_id / "files/a.stl"
    result = tmp_path / "data/results/other/model_mm.ply"
    result.parent.mkdir(parents=True)
    result.write_bytes(CAD)
    (tmp_path / "link.stl").symlink_to(kept)
    for path in (kept, result, tmp_path / "link.stl", tmp_path / "data/results/../uploads" / upload.upload_id / "files/a.stl"):
        with pytest.raises(ServiceError) as caught:
            door.job(cad_path=str(path), output_dir=str(tmp_path / "out"))
        assert caught.value.code == "path_outside_roots"
    (tmp_path / "b.stl").write_bytes(CAD)
    (tmp_path / "linked").symlink_to(tmp_path / "data/results")
    for path in (tmp_path / "data/results/other", tmp_path / "data/results", tmp_path / "linked/mine", tmp_path / "data/uploads/x"):
        for subfolder in (True, False):
            with pytest.raises(ServiceError) as caught:
                door.job(cad_path=str(tmp_path / "b.stl"), output_dir=str(path), templates_subfolder=subfolder)
            assert caught.value.code == "output_reserved"


def test_the_same_files_sent_again_are_the_same_request(door: Door) -> None:
    one, again, other = door.upload("a.stl"), door.upload("a.stl"), door.upload("b.stl")
    hashes = [hash_of(RenderRequest(upload_id=upload.upload_id, resolution=64), door.uploads) for upload in (one, again, other)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert hash_of(RenderRequest(upload_id=one.upload_id, resolution=65), door.uploads) != hashes[0]


def test_live_jobs_need_their_uploads() -> None:
    jobs, upload_id = LiveJobs(), "0" * 32
    first, second, none = make_job(), make_job("/out/b"), make_job("/out/c")
    for job in (first, second):
        object.__setattr__(job.spec, "request", RenderRequest(upload_id=upload_id))
    for job in (first, second, none):
        job.progress.accept()
        jobs.add(job)
    assert jobs.need_upload(upload_id) and not jobs.need_upload("1" * 32)
    jobs.remove(first)
    assert jobs.need_upload(upload_id)
    jobs.remove(second)
    assert not jobs.need_upload(upload_id)


@pytest.mark.parametrize(
    ("fields", "location", "said"),
    [
        ({}, ("cad_path",), "required"),
        ({"upload_id": "0" * 32, "cad_path": "a"}, ("cad_path",), "not both"),
        ({"cad_path": "a"}, ("output_dir",), "required"),
        ({"cad_path": "a", "output_dir": "b", "cad": "c"}, ("cad",), "give upload_id"),
        ({"upload_id": "../x"}, ("upload_id",), "pattern"),
        ({"upload_id": "0" * 31}, ("upload_id",), "pattern"),
    ],
)
def test_a_request_says_one_cad(fields: dict[str, Any], location: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        RenderRequest.model_validate(fields)
    finding = caught.value.errors()[0]
    assert finding["loc"] == location and said in finding["msg"]


def test_a_list_of_cameras_may_come_with_the_cad(door: Door) -> None:
    upload = door.upload("a.stl", "sub/poses.npy")
    job = door.job(upload_id=upload.upload_id, camera_poses_path="upload:sub/poses.npy")
    assert job.spec.poses_path == door.settings.uploads_dir.resolve() / upload.upload_id / "files" / "sub" / "poses.npy"
    assert job.spec.poses_path.read_bytes() == CAD


@pytest.mark.parametrize(
    ("named", "code", "told"),
    [
        ("upload:other.npy", "not_found", "it holds 'poses.npy'"),
        ("upload:a.stl", "poses_invalid", "no .npy|not an .npy"),
        ("upload:../files/poses.npy", "not_found", "no camera poses file"),
        ("upload:", "poses_invalid", "not an .npy"),
    ],
)
def test_only_a_list_of_the_same_upload_is_named_so(door: Door, named: str, code: str, told: str) -> None:
    upload = door.upload("a.stl", "poses.npy")
    with pytest.raises(ServiceError, match=told) as refused:
        door.job(upload_id=upload.upload_id, camera_poses_path=named)
    assert (refused.value.code, refused.value.field) == (code, "camera_poses_path")


def test_without_an_upload_there_is_none_to_name(door: Door, tmp_path: Path) -> None:
    cad = tmp_path / "a.stl"
    cad.write_bytes(CAD)
    with pytest.raises(ServiceError, match="give upload_id with it"):
        door.job(cad_path=str(cad), output_dir=str(tmp_path / "out"), camera_poses_path="upload:poses.npy")
