"""The client package against the real server: a CAD that the server does not see, and one that it does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from render_server_client import AsyncClient, Client, JobFailedError, RefusedError, Templates
from tests.integration.conftest import Server

SMALL: dict[str, Any] = {"resolution": 64, "samples": 1}


@pytest.fixture
def far(server: Server, tmp_path: Path) -> Path:
    """CADs where the server may not read."""
    for name in ("crate.obj", "crate.mtl", "crate.png", "flange.stl"):
        shutil.copy(server.folder / name, tmp_path)
    return tmp_path


def test_from_a_cad_to_arrays_without_a_shared_disk(server: Server, far: Path) -> None:
    with Client(server.url) as client:
        assert not client.shares(far / "crate.obj") and client.shares(server.folder / "crate.obj")
        assert client.inspect(far / "crate.obj").record["textures"] == 1  # The .mtl and the image went with it.
        job = client.submit(far / "crate.obj", **SMALL)
        events = list(client.events(job))
        assert events[-1].kind == "finished" and events[-1].data["status"] == "succeeded"
        assert sorted(event.data["view"] for event in events if event.kind == "view") == list(range(42))
        templates = client.templates(job)
        assert templates.rgb.shape == (42, 64, 64, 3) and templates.manifest["job_id"] == job.id
        written = client.download(job, far / "out")
    read = Templates.read(far / "out")
    assert far / "out" / "templates" in written
    assert all(np.array_equal(getattr(read, name), getattr(templates, name)) for name in ("rgb", "mask", "xyz", "depth", "poses", "K"))
    _check_cameras(read)


def _check_cameras(templates: Templates) -> None:
    """Each point of the CAD is seen in the pixel that has it, at its depth."""
    for view in range(0, 42, 10):
        rows, columns = np.nonzero(templates.mask[view])
        points = np.c_[templates.xyz[view][rows, columns], np.ones(len(rows))] @ templates.poses[view].T
        pixels = points[:, :3] @ templates.K[view].T
        assert np.abs(pixels[:, :2] / pixels[:, 2:] - np.c_[columns, rows]).max() < 1.0
        assert np.allclose(points[:, 2], templates.depth[view][rows, columns], rtol=1e-3)


async def test_the_same_for_asyncio_on_a_shared_disk(server: Server) -> None:
    async with AsyncClient(server.url) as client:
        job = await client.submit(server.folder / "flange.stl", output_dir=server.folder / "by_async", **SMALL)
        kinds = [event.kind async for event in client.events(job)]
        assert kinds[-1] == "finished" and kinds.count("view") == 42 and "warning" in kinds  # The part has no colours.
        templates = await client.templates(job)
        ended = await client.job(job)
    assert ended.cad_path == str(server.folder / "flange.stl") and (server.folder / "by_async" / "templates").is_dir()
    assert len(templates) == 42 and templates.mask.any(axis=(1, 2)).all()


def test_one_key_is_one_job_and_failures_say_why(server: Server, far: Path) -> None:
    with Client(server.url) as client:
        first, second = (
            client.submit(server.folder / "flange.stl", output_dir=server.folder / "by_key", idempotency_key="by-key", **SMALL)
            for _ in range(2)
        )
        assert first.id == second.id
        (far / "empty.stl").write_text("solid a\nendsolid a\n")
        with pytest.raises(JobFailedError) as failed:
            client.wait(client.submit(far / "empty.stl", **SMALL))
        assert failed.value.code == "cad_invalid"
        with pytest.raises(RefusedError) as refused:
            client.submit(far / "flange.stl", upload=False, output_dir=server.folder / "x")
        assert refused.value.code == "path_outside_roots" and "upload=True" in refused.value.remedy
