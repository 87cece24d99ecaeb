from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from serve_app.base.bundled import NAMES, bundled_folder, config_path, copy_bundled, example_path

USUAL = Path("serve_config.yaml")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one, the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_config_that_is_there_goes_before_the_packages(folder: Path) -> None:
    assert config_path(USUAL) == bundled_folder() / USUAL
    (folder / USUAL).write_text("applications: []")
    assert config_path(USUAL) == USUAL


@pytest.mark.parametrize("name", ["none.yaml", "cluster/none.yaml", "serve_app/cli/main.py", "/nowhere/serve_config.yaml"])
def test_a_config_that_the_package_does_not_have_stays_as_it_is_named(folder: Path, name: str) -> None:
    assert config_path(Path(name)) == Path(name)


def test_an_example_is_copied_with_what_it_refers_to(folder: Path) -> None:
    assert example_path(Path("examples/crate.obj")) == folder / "examples" / "crate.obj"
    assert {path.name for path in (folder / "examples").iterdir()} == {
        *("bracket.step", "crate.mtl", "crate.obj", "crate.png", "flange.stl", "knot.ply")
    }
    assert example_path(Path("my/part.stl")) == folder / "my" / "part.stl" and not (folder / "my").exists()


def test_copying_leaves_what_is_there(folder: Path) -> None:
    (folder / "serve_config.yaml").write_text("mine")
    copied = dict(copy_bundled(folder))
    assert copied[folder / "serve_config.yaml"] is False and copied[folder / "cluster" / "serve_config.gpu.yaml"] is True
    assert (folder / "serve_config.yaml").read_text() == "mine"
    assert not any(is_new for _, is_new in copy_bundled(folder))
    assert not list(folder.rglob("*.py"))


def test_the_wheel_has_what_is_looked_for() -> None:
    told = re.search(r"^BUNDLED = (\(.*\))$", (bundled_folder() / "setup.py").read_text(), re.M)
    assert told and ast.literal_eval(told[1]) == NAMES
