"""Outputs stay in their roots, out of the server's own folders, and away from what is somebody else's: over HTTP."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from render_actor.contract.cameras import camera_poses
from render_actor.contract.view_files import file_names
from serve_app.templates.layouts.layout import MANIFEST
from tests.integration.conftest import Server
from tests.wait import wait_until

SMALL = {"resolution": 64, "samples": 1}
SAMPLES = itertools.count(60)
"""Of long jobs, each another number: none is copied from the cache."""
VIEWS = 20
"""Of long jobs: some seconds of work are left when the first two views are done."""


def body(server: Server, output: str, **options: Any) -> dict[str, Any]:
    return {"cad_path": str(server.folder / "knot.ply"), "output_dir": str(server.folder / output), **SMALL, **options}


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("subfolder", [True, False])
@pytest.mark.parametrize(
    "output",
    ["data", "data/jobs.sqlite3-journal", "data/drain", "data/cache/part/x", "data/new/deep", "logs", "logs/victim.log", "out/../data/x"],
)
def test_the_servers_own_folders_are_refused(server: Server, output: str, subfolder: bool) -> None:
    request = body(server, output, templates_subfolder=subfolder)
    with server.http() as http:
        answers = [
            http.post("/render/templates", json=request),
            http.put("/jobs/victim", json=request),
            http.post("/api/v1/render-templates", json=request),
        ]
        assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "output_reserved")] * 3
        (item,) = http.post("/api/v1/render-templates-batch", json=[request]).json()["results"]
        assert item["success"] is False and item["error"]["code"] == "output_reserved", item
        assert http.get("/health").status_code == 200
    assert not (server.folder / "data" / "drain").exists() and not (server.folder / "logs" / "victim.log").exists()


def test_what_holds_the_servers_folders_is_refused(server: Server) -> None:
    request = {**body(server, ""), "output_dir": str(server.folder.parent / server.folder.name), "templates_subfolder": False}
    with server.http() as http:
        answer = http.post("/render/templates", json=request)
    assert answer.status_code in (403, 409) and answer.json()["field"] == "output_dir"


def a_folder_called_mask(folder: Path) -> None:
    (folder / "mask_0.png").mkdir()
    (folder / "mask_0.png" / "thesis.tex").write_text("years of work")


def a_text_called_rgb(folder: Path) -> None:
    (folder / "rgb_0.png").write_text("a list of passwords")


def a_manifest_of_a_web_page(folder: Path) -> None:
    (folder / MANIFEST).write_text('{"name": "page", "icons": []}')


def another_array(folder: Path) -> None:
    np.save(folder / "xyz_0.npy", np.zeros((100, 100)))


@pytest.mark.parametrize("make", [a_folder_called_mask, a_text_called_rgb, a_manifest_of_a_web_page, another_array])
def test_a_folder_with_something_else_is_never_replaced(server: Server, make: Callable[[Path], None]) -> None:
    folder = server.folder / "theirs" / make.__name__ / "templates"
    folder.mkdir(parents=True)
    make(folder)
    before = contents(folder)
    with server.http() as http:
        answer = http.post("/render/templates", json=body(server, f"theirs/{make.__name__}"), params={"wait": "true"})
    assert (answer.status_code, answer.json()["code"]) == (409, "output_not_replaceable"), answer.text
    assert contents(folder) == before


def test_templates_of_an_older_server_are_replaced(server: Server) -> None:
    first = server.render("knot.ply", "of-an-older-server", **SMALL)
    folder = Path(first["templates_dir"])
    (folder / MANIFEST).unlink()
    again = server.render("knot.ply", "of-an-older-server", **SMALL)
    assert again["status"] == "succeeded" and (folder / MANIFEST).is_file() and os.listdir(folder.parent) == ["templates"]


class Running:
    """A job in the middle of its work, and what lies outside its output."""

    def __init__(self, server: Server, name: str) -> None:
        self.server, self.job_id, self.parent = server, name, server.folder / "attacked" / name
        self.outside = server.folder / "outside" / name
        self.outside.mkdir(parents=True)
        (self.outside / "victim").write_text("precious")
        np.save(server.folder / "long.npy", camera_poses(0)[:VIEWS])
        options = {"resolution": 128, "samples": next(SAMPLES), "camera_poses_path": str(server.folder / "long.npy")}
        with server.http() as http:
            http.put(f"/jobs/{name}", json=body(server, f"attacked/{name}", **options)).raise_for_status()
        server.wait_for_views(name, 2)
        (self.staging,) = self.parent.glob(f".render-{name}-*.partial")

    def failed_and_harmed_nothing(self) -> dict[str, Any]:
        """Its record, when it has failed with one sentence."""
        wait_until(lambda: self.server.job(self.job_id)["status"] not in ("queued", "running"), lambda: self.server.job(self.job_id))
        record = self.server.job(self.job_id)
        assert record["status"] == "failed", record
        assert contents(self.outside) == {"victim": b"precious"}
        return record


def test_a_link_under_a_guessed_name_changes_nothing(server: Server) -> None:
    outside = server.folder / "outside" / "guessed"
    outside.mkdir(parents=True)
    (outside / "victim").write_text("precious")
    parent = server.folder / "attacked" / "guessed"
    parent.mkdir(parents=True)
    for name in (".templates-guessed.partial", ".render-guessed-0000000000000000.partial"):
        (parent / name).symlink_to(outside)
    with server.http() as http:
        record = http.put("/jobs/guessed", json=body(server, "attacked/guessed"), params={"wait": "true"}).json()
    assert record["status"] == "succeeded" and contents(outside) == {"victim": b"precious"}
    assert (parent / "templates").is_dir() and not (parent / "templates").is_symlink()


def test_a_link_in_place_of_the_staging_folder_fails_the_job(server: Server) -> None:
    job = Running(server, "staging-link")
    job.staging.rename(server.folder / "moved-staging")
    job.staging.symlink_to(job.outside)
    record = job.failed_and_harmed_nothing()
    assert "changed by somebody else" in str(record["error"])
    assert not (job.parent / "templates").exists()


@pytest.mark.parametrize("hard", [True, False])
def test_links_in_the_staging_folder_fail_the_job(server: Server, hard: bool) -> None:
    job = Running(server, f"file-link-{hard}")
    for name in (*file_names(VIEWS - 1), MANIFEST):
        if hard:
            os.link(job.outside / "victim", job.staging / name)
        else:
            (job.staging / name).symlink_to(job.outside / "victim")
    job.failed_and_harmed_nothing()
    assert not (job.parent / "templates").exists()


def test_a_parent_that_becomes_a_link_fails_the_job(server: Server) -> None:
    job = Running(server, "parent-link")
    moved = server.folder / "attacked" / "moved-parent"
    job.parent.rename(moved)
    job.parent.symlink_to(job.outside)
    job.failed_and_harmed_nothing()
    assert contents(moved) == {}


def test_files_that_come_before_the_rename_stay(server: Server) -> None:
    job = Running(server, "late-letter")
    (job.parent / "templates").mkdir()
    (job.parent / "templates" / "letter.txt").write_text("mine")
    job.failed_and_harmed_nothing()
    assert contents(job.parent) == {"templates": None, "templates/letter.txt": b"mine"}


def test_a_target_that_becomes_the_servers_own_fails_the_job(server: Server) -> None:
    """Swapped in after the job was accepted: refused at publish, too."""
    job = Running(server, "late-own")
    before = set(os.listdir(server.folder / "data"))

    def removed() -> bool:
        shutil.rmtree(job.parent, ignore_errors=True)  # Meanwhile the server moves files into it.
        return not job.parent.exists()

    wait_until(removed, "the job's folder removed")
    job.parent.symlink_to(server.folder / "data")
    job.failed_and_harmed_nothing()
    assert set(os.listdir(server.folder / "data")) == before
