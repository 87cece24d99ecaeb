"""What is given of a job's views and files, while they come and afterwards."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import json
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.http.view_answer import job_views
from serve_app.jobs.job import Job
from serve_app.jobs.record import JobRecord, record_of
from serve_app.service.contact_sheet import SheetForm
from serve_app.service.results import JobResults
from serve_app.service.view_pictures import PICTURES, PictureName
from serve_app.templates.archive import ChangedArchiveError
from serve_app.templates.layouts.registry import LAYOUTS
from tests.open_files import open_below
from tests.unit.serve_app.rendering.fakes import until
from tests.unit.serve_app.rendering.job_server import VIEWS, Server, accepted, started

SMALL_CAMERA = {"K": {"fx": 90.0, "fy": 90.0, "cx": 32.0, "cy": 32.0}, "width": 64, "height": 64, "distance_mm": 400.0}


class Shown:
    """Jobs of a server, and what is given of them."""

    def __init__(self, settings: Settings) -> None:
        self.server = Server(settings)
        self.results = JobResults(settings, self._record, self.server.rendering.live)
        self.archives = self.results.archives
        self.jobs: dict[str, Job] = {}

    async def _record(self, job_id: str) -> JobRecord:
        if job_id not in self.jobs:
            raise ServiceError("job_not_found", "job not found", "job_id")
        return record_of(self.jobs[job_id])

    async def job(self, folder: Path, job_id: str, output: str = "", **options: Any) -> Job:
        job = await accepted(self.server, folder, output or job_id, **options)
        if output and job.job_id != job_id:
            job = started(Job(dataclasses.replace(job.spec, job_id=job_id)))
        self.jobs[job_id] = job
        return job

    async def done(self, folder: Path, job_id: str, output: str = "", **options: Any) -> Job:
        job = await self.job(folder, job_id, output, **options)
        await self.server.do(job)
        job.progress.succeed()
        return job

    async def picture(self, job_id: str, view: int, name: PictureName) -> bytes:
        content = await self.results.pictures.picture(job_id, view, name, lambda etag: False)
        assert content.data is not None and content.final
        again = await self.results.pictures.picture(job_id, view, name, lambda etag: etag == content.etag)
        assert again.data is None and again.etag == content.etag
        return content.data

    async def zip(self, job_id: str) -> dict[str, bytes]:
        facts = await self.archives.facts(job_id)
        data = b"".join([chunk async for chunk in self.archives.chunks(job_id, facts.etag, 0, facts.length)])
        assert len(data) == facts.length
        with zipfile.ZipFile(io.BytesIO(data)) as found:
            assert found.testzip() is None
            return {name: found.read(name) for name in found.namelist()}

    async def refusal(self, work: Any) -> ServiceError:
        with pytest.raises(ServiceError) as caught:
            await work
        return caught.value


@pytest.fixture
def shown(settings: Settings) -> Iterator[Shown]:
    made = Shown(settings)
    yield made
    made.server.store.close()


def image(data: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)


async def test_a_view_is_there_as_soon_as_it_is_rendered(tmp_path: Path, shown: Shown) -> None:
    job = await shown.job(tmp_path, "j")
    assert job_views("j", await shown.results.views("j"), "/j").total == 0
    early = await shown.refusal(shown.results.pictures.picture("j", 0, "rgb.png", lambda etag: False))
    assert early.code == "view_not_ready" and early.retry_after_sec
    shown.server.stalls_at = 8
    task = asyncio.create_task(shown.server.do(job))
    await until(lambda: shown.server.all_taken(job))
    views = job_views("j", await shown.results.views("j"), "/j")
    done = {view.index for view in views.views if view.state == "rendered"}
    assert done == set(job.progress.view_seconds) and (views.total, views.rendered) == (VIEWS, len(done))
    view = min(done)
    while_it_runs = {name: await shown.picture("j", view, name) for name in PICTURES}
    pending = await shown.refusal(shown.results.pictures.picture("j", max(set(range(VIEWS)) - done), "xyz.png", lambda etag: False))
    assert pending.code == "view_not_ready"
    beyond = await shown.refusal(shown.results.pictures.picture("j", VIEWS, "rgb.png", lambda etag: False))
    assert beyond.code == "not_found" and "from 0 to 41" in beyond.detail
    sheet = await shown.results.pictures.sheet("j", SheetForm("rgb", 7, 16), lambda etag: False)
    assert not sheet.final
    for early_work in (shown.archives.facts("j"), shown.results.manifest_file("j", lambda etag: False)):
        assert (await shown.refusal(early_work)).code == "job_not_finished"
    shown.server.go_on.set()
    await task
    # Between its publishing and its end.
    assert len((await shown.results.views("j")).entries) == VIEWS  # type: ignore[union-attr]
    assert await shown.picture("j", view, "rgb.png") == while_it_runs["rgb.png"]
    job.progress.succeed()
    assert {name: await shown.picture("j", view, name) for name in PICTURES} == while_it_runs
    whole = await shown.results.pictures.sheet("j", SheetForm("rgb", 7, 16), lambda etag: False)
    assert whole.final and whole.etag != sheet.etag
    assert shown.server.rendering.live.get("j") is None


async def test_what_is_given_is_what_the_files_hold(tmp_path: Path, shown: Shown) -> None:
    job = await shown.done(tmp_path, "j")
    folder = job.spec.templates_dir
    for name, file in (("rgb.png", "rgb_7.png"), ("mask.png", "mask_7.png"), ("xyz.npy", "xyz_7.npy")):
        assert await shown.picture("j", 7, name) == (folder / file).read_bytes()  # type: ignore[arg-type]
    mask, manifest = image((folder / "mask_7.png").read_bytes()), json.loads((folder / "manifest.json").read_bytes())
    xyz = np.load(folder / "xyz_7.npy")
    colors, depth = image(await shown.picture("j", 7, "xyz.png")), image(await shown.picture("j", 7, "depth.png"))
    assert colors.shape == (64, 64, 3) and not colors[mask == 0].any() and depth.dtype == np.uint16 and not depth[mask == 0].any()
    low, high = np.array(manifest["bounds_mm"])
    assert np.abs(colors[mask > 0][:, ::-1] - np.clip((xyz[mask > 0] - low) / (high - low), 0, 1) * 255.0).max() <= 0.51
    views = job_views("j", await shown.results.views("j"), "/api/v1/jobs/j")
    answer = views.views[7]
    pose = np.array(manifest["model_to_camera_mm"][7])
    assert np.allclose(np.array(answer.camera_pose) @ pose, np.eye(4)) and manifest["intrinsics"] == answer.K
    z = np.c_[xyz[mask > 0].astype(float), np.ones((mask > 0).sum())] @ pose.T
    before = z[:, 2] > 1  # The test's renderer writes coordinates that are behind the camera, too.
    assert views.depth_scale_mm == 0.1 and before.sum() > 100
    assert np.abs(depth[mask > 0] * 0.1 - z[:, 2])[before].max() <= 0.051
    assert answer.files is not None and answer.files.xyz_npy == "/api/v1/jobs/j/views/7/xyz.npy"
    assert (answer.samples, answer.estimated_error, answer.seconds) == (12, 0.8, job.progress.view_seconds[7])
    assert answer.flags == ["nearly_black"] and answer.mask_pixels == int((mask > 0).sum())
    assert (await shown.results.manifest_file("j", lambda etag: False)).data == (folder / "manifest.json").read_bytes()


async def test_a_sheet_has_each_view_in_its_place(tmp_path: Path, shown: Shown) -> None:
    await shown.done(tmp_path, "j")
    content = await shown.results.pictures.sheet("j", SheetForm("rgb", 5, 16), lambda etag: False)
    sheet = image(content.data)  # type: ignore[arg-type]
    assert sheet.shape == (9 * 16, 5 * 16, 3)
    cells = sheet.reshape(9, 16, 5, 16, 3).transpose(0, 2, 1, 3, 4).reshape(45, 16, 16, 3)
    assert [int(cell.mean().round()) for cell in cells] == [*range(VIEWS), 40, 40, 40]  # The test's renderer paints view i with i.
    for kind in ("mask", "xyz"):
        other = await shown.results.pictures.sheet("j", SheetForm(kind, 7, 16), lambda etag: False)
        assert image(other.data).shape == (6 * 16, 7 * 16, 3) and other.etag != content.etag  # type: ignore[arg-type]
    too_large = await shown.refusal(shown.results.pictures.sheet("j", SheetForm("rgb", 64, 8000), lambda etag: False))
    assert too_large.code == "validation_error" and "smaller size" in too_large.detail


@pytest.mark.parametrize(
    ("layout", "names"),
    [
        ("sam6d-bop", set(PICTURES)),
        ("cnos", {"rgb.png", "mask.png"}),
        ("bop", set(PICTURES)),
        ("foundpose", set(PICTURES)),
    ],
)
async def test_of_other_layouts_what_can_be_made_of_their_files_is_given(
    tmp_path: Path, shown: Shown, layout: str, names: set[str]
) -> None:
    camera = {"resolution": 64} if layout == "sam6d-bop" else {"camera": SMALL_CAMERA}
    await shown.done(tmp_path, "j", layout=layout, level=0, object_id=5, **camera)
    views = job_views("j", await shown.results.views("j"), "/j")
    assert views.total == VIEWS and views.layout == layout and views.views[3].files is not None
    told = {name.replace("xyz_npy", "xyz.npy") for name, path in views.views[3].files if path is not None}
    assert told == {name.removesuffix(".png") for name in names}
    for name in PICTURES:
        if name in names:
            data = await shown.picture("j", 3, name)
            assert len(data) > 100
            if name == "mask.png":
                assert set(np.unique(image(data))) == {0, 255}
            if name == "depth.png" and layout != "sam6d-bop":
                assert set(np.unique(image(data)).tolist()) in ({0, 403}, {0, 4030})
        else:
            missing = await shown.refusal(shown.results.pictures.picture("j", 3, name, lambda etag: False))
            assert missing.code == "not_found" and "keeps only rgba" in missing.detail
    found = await shown.zip("j")
    place = LAYOUTS[layout].folder(5)
    assert all(name.startswith(f"{place}/") for name in found) and len(found) >= VIEWS


async def test_an_archive_has_the_jobs_files_and_no_others(tmp_path: Path, shown: Shown) -> None:
    job = await shown.done(tmp_path, "j", outputs=["depth", "poses"])
    folder = job.spec.templates_dir
    (folder / "notes.txt").write_text("somebody's own")
    (folder / ".DS_Store").symlink_to("/etc/passwd")
    (tmp_path / "j" / "private.txt").write_text("not the job's")
    found = await shown.zip("j")
    files = {
        f"templates/{path.relative_to(folder)}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".DS_Store"
    }
    del files["templates/notes.txt"]
    assert found == files and len(found) == 4 * VIEWS + 2
    flat = await shown.done(tmp_path, "gigapose", layout="gigapose", object_id=7, level=0)
    found = await shown.zip("gigapose")
    assert (
        len(found) == 2 * VIEWS + 1
        and found["object_poses/000007.npy"] == (flat.spec.output_dir / "object_poses" / "000007.npy").read_bytes()
    )


async def test_results_that_were_replaced_or_removed_are_gone(tmp_path: Path, shown: Shown) -> None:
    first = await shown.done(tmp_path, "first", output="out")
    kept = await shown.archives.facts("first")
    await shown.done(tmp_path, "second", output="out", colorize=True)
    works: list[Callable[[], Awaitable[Any]]] = [
        lambda: shown.results.views("first"),
        lambda: shown.results.pictures.picture("first", 0, "rgb.png", lambda etag: True),
        lambda: shown.results.pictures.sheet("first", SheetForm("rgb", 7, 16), lambda etag: False),
        lambda: shown.results.manifest_file("first", lambda etag: False),
        lambda: shown.archives.facts("first"),
        lambda: anext(shown.archives.chunks("first", kept.etag, 0, 10)),
    ]
    for work in works:
        assert (await shown.refusal(work())).code == "results_gone"
    assert await shown.picture("second", 0, "rgb.png")
    first.spec.templates_dir.rename(tmp_path / "elsewhere")
    assert (await shown.refusal(shown.results.views("second"))).code == "results_gone"


@pytest.mark.parametrize("how", ["changed", "cut", "link", "folder", "gone"])
async def test_a_file_that_is_not_what_was_rendered_is_not_given(tmp_path: Path, shown: Shown, how: str) -> None:
    job = await shown.done(tmp_path, "j")
    file = job.spec.templates_dir / "rgb_3.png"
    data = file.read_bytes()
    (tmp_path / "same.png").write_bytes(data)
    file.unlink()
    if how == "changed":
        file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif how == "cut":
        file.write_bytes(data[:-1])
    elif how == "link":
        file.symlink_to(tmp_path / "same.png")
    elif how == "folder":
        file.mkdir()
    assert (await shown.refusal(shown.results.pictures.picture("j", 3, "rgb.png", lambda etag: False))).code == "results_gone"
    assert await shown.picture("j", 2, "rgb.png")
    sheet = await shown.results.pictures.sheet("j", SheetForm("rgb", 42, 16), lambda etag: False)
    assert int(image(sheet.data)[:, 48:64].mean()) == 40  # type: ignore[arg-type]
    if how == "changed":  # Only whoever reads it sees that.
        facts = await shown.archives.facts("j")
        with pytest.raises(ChangedArchiveError):
            _ = [chunk async for chunk in shown.archives.chunks("j", facts.etag, 0, facts.length)]
    else:
        assert (await shown.refusal(shown.archives.facts("j"))).code == "results_gone"


async def test_a_folder_above_that_becomes_a_link_leads_nowhere(tmp_path: Path, shown: Shown) -> None:
    await shown.done(tmp_path, "j", output="deep")
    (tmp_path / "deep").rename(tmp_path / "other")
    (tmp_path / "deep").symlink_to(tmp_path / "other")
    assert (await shown.refusal(shown.results.pictures.picture("j", 0, "rgb.png", lambda etag: False))).code == "results_gone"


async def test_results_where_the_operator_allows_none_any_more_are_gone(tmp_path: Path, settings: Settings, shown: Shown) -> None:
    await shown.done(tmp_path, "j")
    (tmp_path / "elsewhere").mkdir()
    moved = settings.model_copy(update={"output_roots": [tmp_path / "elsewhere"]})
    shown.results = JobResults(Settings.model_validate(moved.model_dump()), shown._record, shown.server.rendering.live)
    assert (await shown.refusal(shown.results.views("j"))).code == "results_gone"


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.update(views=told["views"][:-1]),
        lambda told: told["views"][0]["files"].update({"../../private.txt": {"sha256": "0", "bytes": 3}}),
        lambda told: told.update(model_to_camera_mm=[[1]]),
        lambda told: told.update(layout="another"),
        lambda told: told.update(resolution=None),
        lambda told: told.pop("intrinsics"),
    ],
)
async def test_a_manifest_that_somebody_has_written_leads_nowhere(tmp_path: Path, shown: Shown, change: Any) -> None:
    job = await shown.done(tmp_path, "j")
    path = job.spec.templates_dir / "manifest.json"
    told = json.loads(path.read_bytes())
    change(told)
    path.write_text(json.dumps(told))
    assert (await shown.refusal(shown.results.pictures.picture("j", 0, "rgb.png", lambda etag: False))).code == "results_gone"


async def test_a_job_that_has_failed_has_no_files_and_says_why(tmp_path: Path, shown: Shown) -> None:
    job = await shown.job(tmp_path, "j")
    job.progress.fail(ServiceError("view_blank", "the object is not in view 3", "recenter"))
    assert job_views("j", await shown.results.views("j"), "/j").views == []
    for work in (shown.results.pictures.picture("j", 0, "rgb.png", lambda etag: False), shown.archives.facts("j")):
        refused = await shown.refusal(work)
        assert refused.code == "no_results" and "the object is not in view 3" in refused.detail
    assert (await shown.refusal(shown.results.views("nobody"))).code == "job_not_found"


async def test_a_copied_job_shows_its_views_too_and_lets_its_folder_go(tmp_path: Path, shown: Shown) -> None:
    await shown.done(tmp_path, "first")
    before = open_below(tmp_path)
    job = await shown.done(tmp_path, "second")
    assert job.progress.cached and len((await shown.results.views("second")).entries) == VIEWS  # type: ignore[union-attr]
    for _ in range(3):
        await shown.picture("second", 5, "xyz.png")
        await shown.zip("second")
    assert open_below(tmp_path) == before
