"""The service's side of a sink, with a renderer's on the other end."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from render_actor.contract.sink import PROBE, attempt_names
from render_actor.contract.view_files import RenderedView, content_of, file_names
from render_actor.contract.view_quality import ViewQuality
from render_actor.view.sink_folder import SinkFolder
from serve_app.base.errors import ServiceError
from serve_app.templates.arrivals import Arrivals
from serve_app.templates.leftovers import staging_folders
from serve_app.templates.staging import StagingFolder
from tests.unit.serve_app.templates_made import staging_at, template

JOB, VIEW = "j1", 3
FENCE, EARLIER = 17, 16


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[StagingFolder]:
    folder = staging_at(tmp_path, tmp_path / "out" / "templates", JOB)
    folder.open()
    yield folder
    folder.discard()


@pytest.fixture
def arrivals(staging: StagingFolder) -> Iterator[Arrivals]:
    folder = Arrivals(staging, JOB)
    folder.open()
    yield folder
    folder.remove()


def path_of(arrivals: Arrivals) -> Path:
    return Path(arrivals.sink(required=False).folder)


def written(sink: SinkFolder, fence: int, brightness: int = 1) -> RenderedView:
    """A view that a renderer has written, and what it says of it."""
    data = [template(name, brightness) for name in file_names(VIEW)]
    sink.write(dict(zip(attempt_names(VIEW, fence), data, strict=True)))
    return RenderedView(VIEW, tuple(map(content_of, data)), 0.5, 9, ViewQuality(1), in_sink=True)


def test_what_a_renderer_writes_is_taken_over_and_published(tmp_path: Path, staging: StagingFolder, arrivals: Arrivals) -> None:
    sink = SinkFolder(arrivals.sink(required=False))
    view = written(sink, FENCE)
    arrivals.take(view, FENCE)
    assert os.listdir(path_of(arrivals)) == [PROBE]
    arrivals.remove()
    staging.publish({name: content.size for name, content in zip(file_names(VIEW), view.files, strict=True)})
    assert {path.name: path.read_bytes() for path in (tmp_path / "out" / "templates").iterdir()} == {
        name: template(name, 1) for name in file_names(VIEW)
    }
    assert os.listdir(tmp_path / "out") == ["templates"]


def test_what_an_attempt_that_was_given_up_writes_overwrites_nothing_and_is_swept_away(
    tmp_path: Path, staging: StagingFolder, arrivals: Arrivals
) -> None:
    late, sink = SinkFolder(arrivals.sink(required=False)), SinkFolder(arrivals.sink(required=False))
    arrivals.take(written(sink, FENCE, brightness=1), FENCE)
    written(late, EARLIER, brightness=2)
    assert len(os.listdir(path_of(arrivals))) == 4
    arrivals.remove()
    with pytest.raises(FileNotFoundError):
        written(late, EARLIER, brightness=3)
    assert (staging.directory.path / "rgb_3.png").read_bytes() == template("rgb_3.png", 1)
    assert sorted(os.listdir(staging.directory.path)) == sorted(file_names(VIEW)) and len(os.listdir(tmp_path / "out")) == 1


@pytest.mark.parametrize("change", ["missing", "cut", "link", "folder"])
def test_files_that_somebody_changed_are_not_taken_over(tmp_path: Path, arrivals: Arrivals, change: str) -> None:
    view = written(SinkFolder(arrivals.sink(required=False)), FENCE)
    file = path_of(arrivals) / attempt_names(VIEW, FENCE)[0]
    if change == "cut":
        os.truncate(file, 5)
    else:
        file.unlink()
        if change == "link":
            (tmp_path / "theirs").write_bytes(template("rgb_3.png", 1))
            file.symlink_to(tmp_path / "theirs")
        elif change == "folder":
            file.mkdir()
    with pytest.raises(ServiceError) as caught:
        arrivals.take(view, FENCE)
    assert (caught.value.code, caught.value.field) == ("output_not_writable", "output_dir")
    if change == "folder":
        file.rmdir()


def test_nothing_that_is_in_the_staging_folder_is_replaced(staging: StagingFolder, arrivals: Arrivals) -> None:
    view = written(SinkFolder(arrivals.sink(required=False)), FENCE)
    planted = staging.directory.path / "mask_3.png"
    planted.write_text("theirs")
    with pytest.raises(ServiceError) as caught:
        arrivals.take(view, FENCE)
    assert caught.value.code == "output_not_writable" and planted.read_text() == "theirs"
    planted.unlink()


def test_what_others_put_there_stays(arrivals: Arrivals) -> None:
    path = path_of(arrivals)
    (path / "letter.txt").write_text("x")
    written(SinkFolder(arrivals.sink(required=False)), FENCE)
    arrivals.remove()
    assert os.listdir(path) == ["letter.txt"]
    (path / "letter.txt").unlink()
    path.rmdir()


def test_only_the_servers_user_may_enter_it(arrivals: Arrivals) -> None:
    assert stat.S_IMODE(path_of(arrivals).stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path, staging: StagingFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").rename(tmp_path / "moved")
    (tmp_path / "moved" / next(iter(os.listdir(tmp_path / "moved")))).rmdir()
    (tmp_path / "moved").rmdir()
    arrivals = Arrivals(staging, JOB)
    with pytest.raises(ServiceError) as caught:
        arrivals.open()
    assert caught.value.code == "output_not_writable"
    arrivals.remove()


def test_what_a_server_that_was_killed_left_of_it_is_known_and_removed(tmp_path: Path, staging: StagingFolder) -> None:
    killed = Arrivals(staging, JOB)
    killed.open()
    sink = SinkFolder(killed.sink(required=False))
    written(sink, FENCE)
    torn = path_of(killed) / attempt_names(4, FENCE)[0]
    torn.write_bytes(template("rgb_4.png")[:20])
    (path_of(killed) / attempt_names(4, FENCE)[2]).touch()
    assert staging_folders(staging.parent) == {staging.mark.name: JOB, path_of(killed).name: JOB}
    staging.remove_leftovers()
    assert os.listdir(tmp_path / "out") == [staging.mark.name]
    with pytest.raises(FileNotFoundError):
        written(sink, FENCE + 1)


def test_files_that_are_named_like_those_of_a_renderer_are_no_templates_to_be_replaced(tmp_path: Path) -> None:
    target = tmp_path / "templates"
    target.mkdir()
    (target / attempt_names(3, FENCE)[0]).write_bytes(template("rgb_3.png"))
    folder = staging_at(tmp_path, target, "other")
    folder.open()
    folder.write("rgb_0.png", template("rgb_0.png"))
    with pytest.raises(ServiceError) as caught:
        folder.publish({"rgb_0.png": len(template("rgb_0.png"))})
    assert caught.value.code == "output_not_replaceable"
    folder.discard()
