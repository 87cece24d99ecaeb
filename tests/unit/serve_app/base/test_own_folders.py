from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from serve_app.base.own_folders import OwnFolders
from serve_app.base.settings import Settings


@pytest.fixture
def own(settings: Settings) -> OwnFolders:
    settings.data_dir.mkdir()
    return OwnFolders.of_server(settings)


@pytest.mark.parametrize(
    "path",
    ["data", "data/templates", "data/jobs.sqlite3-journal", "data/cache/a/b", "logs", "logs/job.log", ".", ".."],
)
def test_what_is_holds_or_lies_in_the_servers_folders_is_touched(own: OwnFolders, tmp_path: Path, path: str) -> None:
    """The log folder is not there yet."""
    assert own.touched_by(tmp_path.resolve() / path if path.strip(".") else (tmp_path / path).resolve())


@pytest.mark.parametrize("path", ["out", "data2", "datax/templates", "log", "out/data"])
def test_what_lies_beside_them_is_not(own: OwnFolders, tmp_path: Path, path: str) -> None:
    assert not own.touched_by(tmp_path.resolve() / path)


def test_the_code_and_the_environment_are_the_servers(own: OwnFolders) -> None:
    root = Path(__file__).resolve().parents[4]
    for path in (root / "serve_app", root / "render_actor" / "view", Path(sys.prefix).resolve() / "lib", root):
        assert own.touched_by(path)
    assert not own.touched_by(root / "output")


def test_a_folder_is_known_under_another_path(tmp_path: Path) -> None:
    """As a bind mount gives it; a link to a folder above it does the same here, for whoever does not resolve it."""
    (tmp_path / "real" / "data").mkdir(parents=True)
    own = OwnFolders([tmp_path / "real" / "data"])
    (tmp_path / "other").symlink_to(tmp_path / "real")
    assert own.touched_by(tmp_path / "other" / "data" / "templates") and own.touched_by(tmp_path / "other")
    assert not own.touched_by(tmp_path / "other" / "out")


@pytest.mark.skipif(os.geteuid() != 0, reason="a bind mount needs root")
def test_a_bind_mount_is_the_same_folder(tmp_path: Path) -> None:
    script = """
import subprocess, sys
from pathlib import Path
from serve_app.base.own_folders import OwnFolders
folder = Path(sys.argv[1]).resolve()
(folder / "data").mkdir()
(folder / "bound").mkdir()
if subprocess.run(["mount", "--bind", folder / "data", folder / "bound"]).returncode:
    sys.exit(77)
print(OwnFolders([folder / "data"]).touched_by(folder / "bound" / "templates"))
"""
    command = ["unshare", "--mount", sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if (done.returncode in (1, 77) and "unshare" in done.stderr) or done.returncode == 77:
        pytest.skip("this machine lets nobody mount")
    assert done.stdout.strip() == "True", done.stderr
