from __future__ import annotations

import os
from pathlib import Path

import pytest

from serve_app.cli.messages import CommandError
from serve_app.cli.render.embedded import EmbeddedServer, state_folder
from serve_app.cli.render.orders import orders_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    for name in ("a.stl", "b.stl"):
        (tmp_path / name).touch()
    (tmp_path / "c:d").mkdir()
    (tmp_path / "c:d" / "e.stl").touch()
    return tmp_path


def test_the_same_command_finds_its_jobs_again_and_others_do_not(folder: Path) -> None:
    one = state_folder(orders_of(["a.stl", "b.stl"], "out", {}))
    assert state_folder(orders_of(["b.stl", "a.stl"], "out", {})) == one and one.parent == folder / "state" / "render-server"
    assert state_folder(orders_of(["a.stl"], "out", {})) != one != state_folder(orders_of(["a.stl", "b.stl"], "out2", {}))


def test_it_sees_only_the_folders_of_its_command_and_has_a_key_of_its_own(folder: Path) -> None:
    orders = orders_of(["a.stl"], "out", {})
    first, second = EmbeddedServer(orders), EmbeddedServer(orders)
    environment = first._environment
    assert environment["RENDER_INPUT_ROOTS"] == str(folder) and environment["RENDER_OUTPUT_ROOTS"] == str(folder / "out")
    assert environment["RENDER_API_KEY"] == first.api_key != second.api_key and len(first.api_key) > 20
    assert first.folder.stat().st_mode & 0o077 == 0
    first.forget()
    assert not first.folder.exists()


def test_a_folder_that_no_list_can_hold_is_told(folder: Path) -> None:
    with pytest.raises(CommandError, match=f"has a '{os.pathsep}' in its name"):
        EmbeddedServer(orders_of(["c:d/e.stl"], "out", {}))
