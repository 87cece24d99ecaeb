"""The way into the output roots, which follows no link and leads into no folder of the server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from serve_app.base.errors import ServiceError
from serve_app.base.output_roots import OutputRoots
from serve_app.base.settings import Settings
from tests.open_files import open_below
from tests.unit.serve_app.templates_made import roots_at


def test_missing_folders_are_made_and_can_be_removed_again(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    parent = roots_at(tmp_path).open_parent(tmp_path / "there" / "a" / "b" / "templates", "shown", make=True)
    assert parent.directory.path == (tmp_path / "there" / "a" / "b").resolve()
    parent.remove_made()
    parent.directory.close()
    assert os.listdir(tmp_path / "there") == []


def test_a_missing_root_is_made_and_stays(tmp_path: Path) -> None:
    parent = roots_at(tmp_path / "output").open_parent(tmp_path / "output" / "templates", "shown", make=True)
    parent.remove_made()
    parent.directory.close()
    assert os.listdir(tmp_path) == ["output"]


def test_what_is_missing_is_told_and_nothing_is_made(tmp_path: Path) -> None:
    with roots_at(tmp_path).opened(tmp_path / "a" / "templates", "shown") as parent:
        assert parent is None
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("make", [True, False])
@pytest.mark.parametrize("place", ["a", "a/b"])
def test_a_link_on_the_way_is_not_followed(tmp_path: Path, place: str, make: bool) -> None:
    (tmp_path / "outside").mkdir()
    root = tmp_path / "root"
    (root / place).parent.mkdir(parents=True)
    (root / place).symlink_to(tmp_path / "outside")
    with pytest.raises(NotADirectoryError, match=f"'{place[-1]}' in it is a link or a file"):
        roots_at(root).open_parent(root / "a" / "b" / "c" / "templates", "shown", make=make)
    assert os.listdir(tmp_path / "outside") == []


def test_a_root_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "root").mkdir()
    roots = roots_at(tmp_path / "root")
    (tmp_path / "root").rmdir()
    (tmp_path / "root").symlink_to(tmp_path / "outside")
    with pytest.raises(OSError, match=r".+"):
        roots.open_parent(tmp_path / "root" / "a" / "templates", "shown", make=True)
    assert os.listdir(tmp_path / "outside") == []


@pytest.mark.parametrize("target", ["data", "data/x", "data/x/y/templates", "logs/job.log"])
def test_the_servers_own_folders_are_reserved(tmp_path: Path, target: str) -> None:
    (tmp_path / "data" / "x").mkdir(parents=True)
    roots = roots_at(tmp_path, own=[tmp_path / "data", tmp_path / "logs"])
    for way in (lambda: roots.check(tmp_path / target, "shown"), lambda: roots.open_parent(tmp_path / target, "shown", make=True)):
        with pytest.raises(ServiceError) as caught:
            way()
        assert (caught.value.code, caught.value.field) == ("output_reserved", "output_dir") and str(tmp_path) not in caught.value.detail
    assert not (tmp_path / "logs").exists() and os.listdir(tmp_path / "data") == ["x"] and os.listdir(tmp_path / "data" / "x") == []


def test_below_no_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ServiceError) as caught:
        roots_at(tmp_path / "a").open_parent(tmp_path / "b" / "templates", "shown")
    assert caught.value.code == "path_outside_roots"


def test_a_folder_that_may_only_be_passed_is_passed(tmp_path: Path) -> None:
    """A permission that root does not need; the flag is looked at for everybody."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a").chmod(0o711)
    parent = roots_at(tmp_path).open_parent(tmp_path / "a" / "b" / "templates", "shown")
    assert parent.directory.names() == []
    parent.directory.close()


def test_a_root_in_another_one_is_a_folder_like_others(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "inner").symlink_to(tmp_path / "outside")
    settings = Settings(output_roots=[tmp_path / "inner", tmp_path, tmp_path / "a" / ".." / "b"])
    assert settings.outermost_output_roots == [tmp_path.resolve()]
    with pytest.raises(NotADirectoryError):
        OutputRoots.of_server(settings).open_parent(tmp_path.resolve() / "inner" / "x" / "templates", "shown", make=True)
    assert os.listdir(tmp_path / "outside") == []


def test_very_many_missing_folders_are_refused(tmp_path: Path) -> None:
    target = tmp_path.joinpath(*(["d"] * 100), "templates")
    before = open_below(tmp_path)
    with pytest.raises(OSError, match="more than 64 folders"):
        roots_at(tmp_path).open_parent(target, "shown", make=True)
    assert os.listdir(tmp_path) == [] and open_below(tmp_path) == before
