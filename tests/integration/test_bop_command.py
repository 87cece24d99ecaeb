"""``render-server bop`` against the real server: fresh, repeated, with a broken CAD, interrupted and resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from render_actor.contract.cameras import camera_poses
from tests.integration.conftest import Server
from tests.integration.dataset import write_dataset
from tests.readers import sam6d_bop
from tests.readers.surface import check_surface, distances_to
from tests.wait import wait_until

COMMAND = [sys.executable, "-m", "serve_app.cli.main", "bop"]


@pytest.fixture
def models(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three CADs, below what the server may read."""
    folder = server.folder / tmp_path_factory.mktemp("dataset").name
    write_dataset(folder, server.folder)
    np.save(folder / "two.npy", camera_poses(0)[[3, 20]])
    return folder


def words(server: Server, models: Path, *more: str, views: bool = True) -> list[str]:
    chosen = ["--camera-poses-path", str(models / "two.npy")] if views else []
    output = str(server.folder / "out" / models.name)
    return [str(models), "-o", output, "--server", server.url, "--samples", "1", "--resolution", "64", *chosen, *more]


def run(server: Server, models: Path, *more: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of the command for SAM-6D's BOP flow."""
    asked = words(server, models, "--layout", "sam6d-bop", "--json", *more)
    done = subprocess.run([*COMMAND, *asked], capture_output=True, text=True, check=False, timeout=300)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def states(told: dict[str, Any]) -> dict[int, str]:
    return {each["object_id"]: each["state"] for each in told["objects"]}


def test_a_dataset_is_rendered_once_and_a_broken_cad_fails_alone(server: Server, models: Path) -> None:
    meshes = dict(enumerate(sorted(models.glob("*.ply")), 1))
    (models / "obj_000004.ply").write_text("ply\nformat ascii 1.0\nelement vertex 0\nend_header\n")
    code, told = run(server, models)
    assert code == 1 and states(told) == {1: "succeeded", 2: "succeeded", 3: "succeeded", 4: "failed"}
    assert told["objects"][3]["error"] and all(each["views"] == 2 for each in told["objects"][:3])

    output = server.folder / "out" / models.name
    views = sam6d_bop.read(output, [1, 2, 3], wanted=2)
    assert sorted(views) == sorted(meshes)
    check_surface(views[1][0], distances_to(trimesh.load_mesh(meshes[1])))

    # The second run leaves what is there, and tries the broken one again; repaired, it joins the others.
    write_dataset(models / "more", server.folder, (1,))
    (models / "more" / "obj_000001.ply").replace(models / "obj_000004.ply")
    code, again = run(server, models)
    assert code == 0 and states(again) == {1: "there", 2: "there", 3: "there", 4: "succeeded"}
    assert [each["job_id"] for each in again["objects"][:3]] == [each["job_id"] for each in told["objects"][:3]]
    (output / "obj_000002" / "rgb_1.png").unlink()
    code, mended = run(server, models)
    assert code == 0 and states(mended) == {1: "there", 2: "succeeded", 3: "there", 4: "there"}
    assert (output / "obj_000002" / "rgb_1.png").stat().st_size > 0


def test_an_interrupted_run_is_taken_up_where_its_jobs_are(server: Server, models: Path) -> None:
    asked = words(server, models, "--layout", "sam6d", views=False)
    asked += ["--resolution", "96", "--samples", "12"]  # Some seconds of work are left when the first job is seen.
    # By a shell that runs the tests in its background the signal may be ignored, and what is ignored is inherited.
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler), "start_new_session": True}
    first = subprocess.Popen([*COMMAND, *asked], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **heard)  # type: ignore[call-overload]

    def sent() -> int:
        with server.http() as http:
            jobs = http.get("/jobs", params={"limit": 20}).json()["jobs"]
        return sum(models.name in job["output_dir"] for job in jobs)

    wait_until(lambda: sent() > 0, "a job")
    os.kill(first.pid, signal.SIGINT)
    _, said = first.communicate(timeout=60)
    assert first.returncode == 130 and "go on at the server: the same command again follows them" in said, said
    second = subprocess.run([*COMMAND, *asked], capture_output=True, text=True, check=False, timeout=300)
    assert second.returncode == 0, second.stdout + second.stderr
    assert sent() == 3, "another job was made"
    rows = [line for line in second.stdout.splitlines() if "obj_00000" in line and "42" in line and "[INFO]" not in line]
    assert len(rows) == 3 and second.stdout.splitlines()[-1].startswith("[SUCCESS] 3 objects are in ")
    folders = [server.folder / "out" / models.name / f"obj_{number:06d}" / "templates" for number in (1, 2, 3)]
    assert all((folder / "manifest.json").is_file() for folder in folders)
