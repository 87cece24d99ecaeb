"""Jobs in other arrangements than the default, with renderers that draw a square."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.jobs.job import Job
from serve_app.templates.kept_manifests import KeptManifests
from serve_app.templates.layouts.layout import MANIFEST
from serve_app.templates.layouts.registry import LAYOUTS
from tests.unit.serve_app.rendering.fakes import until
from tests.unit.serve_app.rendering.job_server import EVERYTHING, VIEWS, Server, accepted, files_of, put_back, restarted, started

ALL = ["depth", "normals", "rgba", "poses"]


def paths_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def image(path: Path) -> Any:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


async def test_outputs_lie_beside_the_templates_where_no_consumer_counts_them(tmp_path: Path, server: Server) -> None:
    plain, job = await accepted(server, tmp_path, "plain"), await accepted(server, tmp_path, "out", outputs=ALL)
    await server.do(plain)
    await server.do(job)
    folder = job.spec.templates_dir
    assert sorted(os.listdir(folder)) == sorted([*os.listdir(plain.spec.templates_dir), "extra"])
    extra = {f"extra/{kind}_{view}.png" for kind in ALL[:3] for view in range(VIEWS)} | {"extra/poses.json"}
    assert paths_in(folder) == paths_in(plain.spec.templates_dir) | extra
    for name in paths_in(plain.spec.templates_dir) - {MANIFEST}:
        assert (folder / name).read_bytes() == (plain.spec.templates_dir / name).read_bytes(), name
    manifest = json.loads((folder / MANIFEST).read_bytes())
    assert manifest["layout"] == "sam6d" and manifest["depth_scale_mm"] == 0.1
    assert manifest["views"][7]["files"].keys() == {"rgb_7.png", "mask_7.png", "xyz_7.npy", *(f"extra/{kind}_7.png" for kind in ALL[:3])}
    depth, rgba = image(folder / "extra" / "depth_7.png"), image(folder / "extra" / "rgba_7.png")
    mask = image(folder / "mask_7.png")
    assert depth.dtype == np.uint16 and (depth == np.where(mask, 4070, 0)).all()
    assert np.array_equal(rgba[..., 3], mask) and (rgba[mask == 0] == 0).all() and (rgba[mask > 0][:, :3] == 7).all()
    poses = json.loads((folder / "extra" / "poses.json").read_bytes())
    assert np.allclose([view["m2c"] for view in poses["views"]], manifest["model_to_camera_mm"])


@pytest.mark.parametrize("sink", ["auto", "object_store"])
@pytest.mark.parametrize("name", LAYOUTS)
async def test_every_layout_publishes_exactly_its_own_files(
    tmp_path: Path, settings: Settings, servers: list[Server], name: str, sink: str
) -> None:
    server = restarted(servers, settings.model_copy(update={"sink": sink}))
    job = await accepted(server, tmp_path, "out", layout=name, level=0, object_id=5)
    await server.do(job)
    layout, folder = LAYOUTS[name], job.spec.templates_dir
    assert folder == tmp_path / "out" / layout.folder(5) and job.progress.published
    views = {path for kind in layout.kinds for view in range(VIEWS) for path in layout.paths(kind, view, VIEWS)}
    rest = paths_in(folder) - views
    assert views <= paths_in(folder) and (MANIFEST in rest) == layout.manifest_inside
    kept = KeptManifests.of_server(settings).read(job.job_id)
    assert (kept is None) == layout.manifest_inside
    manifest = json.loads(kept or (folder / MANIFEST).read_bytes())
    assert manifest["layout"] == name and {path for view in manifest["views"] for path in view["files"]} == views
    beside = paths_in(tmp_path / "out") - {f"{layout.folder(5)}/{path}" for path in paths_in(folder)}
    assert beside == ({"object_poses/000005.npy"} if name == "gigapose" else set())
    assert bool(server.fetched) == (sink == "object_store")


@pytest.mark.parametrize("name", LAYOUTS)
async def test_a_folder_of_any_layout_is_replaced_and_one_with_more_in_it_is_not(tmp_path: Path, server: Server, name: str) -> None:
    first = await accepted(server, tmp_path, "out", layout=name, level=0)
    await server.do(first)
    folder = first.spec.templates_dir
    before = paths_in(tmp_path / "out")
    second = dataclasses.replace(first.spec, job_id="second", request=first.spec.request.model_copy(update={"colorize": True}))
    await server.do(started(Job(second)))
    assert len(server.rendered) == 2 * VIEWS and paths_in(tmp_path / "out") == before
    places = [folder, *(path for path in folder.iterdir() if path.is_dir())]
    for number, place in enumerate(places):
        (place / "notes.txt").write_text("years")
        third = dataclasses.replace(second, job_id=f"third{number}", request=first.spec.request.model_copy(update={"base_color": 0.5}))
        with pytest.raises(ServiceError, match=r"notes\.txt") as caught:
            await server.do(started(Job(third)))
        assert caught.value.code == "output_not_replaceable"
        (place / "notes.txt").unlink()
        assert paths_in(tmp_path / "out") == before


@pytest.mark.parametrize("name", ["bop", "foundpose", "gigapose"])
async def test_a_job_in_sub_folders_goes_on_from_the_views_of_an_earlier_server(
    tmp_path: Path, settings: Settings, server: Server, servers: list[Server], name: str
) -> None:
    server.stalls_at = 10
    job = await accepted(server, tmp_path, "out", layout=name, level=0)
    done = await put_back(server, job)
    later = restarted(servers, settings)
    again = started(Job(job.spec, recovered=True))
    await later.do(again)
    assert sorted(later.rendered) == sorted(set(range(VIEWS)) - done)
    published = paths_in(tmp_path / "out")
    assert len(again.progress.view_seconds) == VIEWS and not any(path.startswith(".render") for path in published)

    last = restarted(servers, settings.model_copy(update={"cache_max_bytes": 0}))
    once_more = started(Job(job.spec, recovered=True))
    await last.do(once_more)
    assert last.rendered == [] and once_more.progress.published and paths_in(tmp_path / "out") == published


async def test_the_same_views_in_another_layout_are_copied_where_their_kinds_are_there(tmp_path: Path, server: Server) -> None:
    await server.do(await accepted(server, tmp_path, "first", outputs=["depth", "rgba"]))
    assert len(server.rendered) == VIEWS
    plain, poses = await accepted(server, tmp_path, "plain"), await accepted(server, tmp_path, "poses", outputs=["poses", "rgba"])
    normals = await accepted(server, tmp_path, "normals", outputs=["normals"])
    for job in (plain, poses):
        await server.do(job)
        assert job.progress.cached and len(server.rendered) == VIEWS
    assert files_of(plain) == EVERYTHING and files_of(poses) == EVERYTHING + 1
    assert (tmp_path / "poses" / "templates" / "extra" / "poses.json").exists()
    await server.do(normals)
    assert not normals.progress.cached and len(server.rendered) == 2 * VIEWS
    again = await accepted(server, tmp_path, "again", outputs=["normals"])
    await server.do(again)
    assert again.progress.cached and len(server.rendered) == 2 * VIEWS


async def test_a_job_that_waits_for_the_same_rendering_copies_from_another_layouts_folder(
    tmp_path: Path, settings: Settings, servers: list[Server]
) -> None:
    server = restarted(servers, settings.model_copy(update={"cache_max_bytes": 0}))
    camera = {"K": {"fx": 100.0, "fy": 100.0, "cx": 31.5, "cy": 31.5}, "width": 64, "height": 64, "distance_mm": 400.0}
    plain = await accepted(server, tmp_path, "sam6d", layout="sam6d", level=0, camera=camera, outputs=["depth", "rgba"])
    bop, foundpose = [
        await accepted(server, tmp_path, name, layout=name, level=0, camera=camera, object_id=1) for name in ("bop", "foundpose")
    ]
    server.stalls_at = 10
    first = asyncio.create_task(server.do(plain))
    await until(lambda: server.all_taken(plain))
    waiting = [asyncio.create_task(server.do(job)) for job in (bop, foundpose)]
    await until(lambda: len(server.log.of("waits for a job that renders the same")) == 2)
    server.stalls_at = 10**6
    server.go_on.set()
    await asyncio.gather(first, *waiting)
    # BOP's kinds are all there. FoundPose has one of its own, and another depth scale.
    assert bop.progress.cached and not foundpose.progress.cached and len(server.rendered) == 2 * VIEWS
    masks = {(tmp_path / path).read_bytes() for path in ("bop/000001/mask/000003_000000.png", "sam6d/templates/mask_3.png")}
    assert len(masks) == 1


async def test_what_is_not_ours_beside_the_folder_stays_and_nothing_is_published(tmp_path: Path, server: Server) -> None:
    poses = tmp_path / "out" / "object_poses" / "000005.npy"
    poses.parent.mkdir(parents=True)
    poses.write_text("somebody's own")
    job = await accepted(server, tmp_path, "out", layout="gigapose", level=0, object_id=5)
    with pytest.raises(ServiceError, match=r"object_poses/000005\.npy"):
        await server.do(job)
    assert poses.read_text() == "somebody's own" and paths_in(tmp_path / "out") == {"object_poses/000005.npy"}
    poses.unlink()
    poses.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ServiceError, match="something else"):
        await server.do(started(Job(job.spec)))
    assert not (tmp_path / "elsewhere").exists() and not (tmp_path / "out" / "000005").exists()


async def test_a_canceled_job_in_sub_folders_leaves_nothing(tmp_path: Path, server: Server) -> None:
    server.stalls_at = 10
    job = await accepted(server, tmp_path, "out", layout="bop", level=0)
    task = asyncio.create_task(server.do(job))
    await until(lambda: server.all_taken(job))
    task.cancel()
    await asyncio.wait({task})
    assert not (tmp_path / "out").exists()


async def test_cameras_too_far_for_a_depth_file_are_refused(tmp_path: Path, server: Server) -> None:
    job = await accepted(server, tmp_path, "out", layout="foundpose", camera={"distance_mm": 80_000.0}, level=0)
    with pytest.raises(ServiceError, match="more than a depth file in steps of 1 mm holds"):
        await server.do(job)
    job = await accepted(server, tmp_path, "far", camera={"distance_mm": 80_000.0}, outputs=["depth"])
    await server.do(job)
    assert json.loads((job.spec.templates_dir / MANIFEST).read_bytes())["depth_scale_mm"] == 10.0


async def test_views_that_an_older_server_has_stored_go_on(
    tmp_path: Path, settings: Settings, server: Server, servers: list[Server]
) -> None:  # fmt: skip
    """It knew three files a view and no box."""
    server.stalls_at = 10
    job = await accepted(server, tmp_path, "out", outputs=["poses"])
    done = await put_back(server, job)
    with sqlite3.connect(settings.data_dir / "jobs.sqlite3") as db:
        for view, text in db.execute("SELECT view, rendered FROM views").fetchall():
            content = json.loads(text)
            del content["entry"]["mask_box"]
            db.execute("UPDATE views SET rendered = ? WHERE view = ?", (json.dumps(content), view))
    later = restarted(servers, settings)
    again = started(Job(job.spec, recovered=True))
    await later.do(again)
    assert sorted(later.rendered) == sorted(set(range(VIEWS)) - done) and files_of(again) == EVERYTHING + 1
