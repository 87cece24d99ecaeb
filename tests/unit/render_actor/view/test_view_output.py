"""What becomes of traced views: written into a sink, or packed."""

from __future__ import annotations

import dataclasses
import errno
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from render_actor.contract.file_kinds import WantedFiles
from render_actor.contract.sink import PROBE, attempt_names
from render_actor.contract.types import Sink, ViewBatch
from render_actor.contract.view_files import content_of
from render_actor.contract.xyz_file import PackedXyz, unpacked_file
from render_actor.view.sink_folder import SinkFolder
from render_actor.view.template_files import template_files
from render_actor.view.view_output import MadeView, ViewFailedError, ViewOutput
from tests.unit.render_actor.view.traced_views import traced_view
from tests.unit.render_actor.worker.fake_blender import make_batch

NONCE = "5" * 32
FENCE = 0x2A


def batch_into(folder: Path, *, required: bool = False) -> ViewBatch:
    """A batch whose sink is a folder, made where it is missing."""
    if not folder.exists():
        folder.mkdir()
        (folder / PROBE).write_text(NONCE)
    return make_batch(fence=FENCE, sink=Sink(str(folder), NONCE, "out/mine", required))


def test_a_view_is_written_under_the_names_of_its_attempt(tmp_path: Path) -> None:
    view = traced_view()
    with ViewOutput(batch_into(tmp_path / "sink")) as output:
        output.take(view)
        ((told, sent),) = output.finished()
        assert output.finished() == []
    assert told.in_sink and sent is None and output.refused == ""
    files = list(template_files(view).values())
    assert told.files == tuple(map(content_of, files)) and told.mask_pixels == view.mask.sum() and told.seconds > view.seconds
    assert [(tmp_path / "sink" / name).read_bytes() for name in attempt_names(7, FENCE)] == files


@pytest.mark.parametrize("seen", [True, False])
def test_without_a_sink_or_where_it_is_not_seen_the_files_are_packed(tmp_path: Path, seen: bool) -> None:
    view = traced_view()
    batch = make_batch() if seen else dataclasses.replace(batch_into(tmp_path / "sink"), sink=Sink(str(tmp_path / "not"), NONCE, "out"))
    with ViewOutput(batch) as output:
        output.take(view)
        ((told, packed),) = output.finished()
    assert not told.in_sink and packed is not None
    rgb, mask, xyz = template_files(view).values()
    packed_xyz = packed.files[2]
    assert isinstance(packed_xyz, PackedXyz) and (*packed.files[:2], bytes(unpacked_file(packed_xyz))) == (rgb, mask, xyz)
    assert told.files == tuple(map(content_of, (rgb, mask, xyz)))
    assert bool(output.refused) == (not seen)


def test_coordinates_off_the_mask_do_not_travel() -> None:
    view = traced_view()
    view.xyz[~view.mask] = 7
    with ViewOutput(make_batch()) as output:
        output.take(view)
        with pytest.raises(ViewFailedError) as caught:
            output.finished()
    assert caught.value.failure.code == "render_failed" and "off the mask" in caught.value.failure.cause


def test_the_next_view_is_traced_while_files_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, begun, write = threading.Event(), threading.Event(), SinkFolder.write

    def slow(self: SinkFolder, files: dict[str, bytes]) -> None:
        begun.set()
        assert go_on.wait(10)
        write(self, files)

    monkeypatch.setattr(SinkFolder, "write", slow)
    with ViewOutput(batch_into(tmp_path / "sink")) as output:
        output.take(traced_view())
        assert begun.wait(10)  # And the thread that traces is here.
        go_on.set()
        assert len(output.finished()) == 1


def refusing(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the second view on the disk refuses."""
    views, write = [0], SinkFolder.write

    def full(self: SinkFolder, files: dict[str, bytes]) -> None:
        views[0] += 1
        if views[0] > 1:
            raise OSError(number, os.strerror(number))
        write(self, files)

    monkeypatch.setattr(SinkFolder, "write", full)


def test_where_the_disk_refuses_the_service_gets_the_files_and_meets_it_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing(errno.ENOSPC, monkeypatch)
    made: list[MadeView] = []
    with ViewOutput(batch_into(tmp_path / "sink")) as output:
        for view in range(3):
            output.take(traced_view(view))
            made += output.finished()
    assert [each.told.in_sink for each in made] == [each.files is None for each in made] == [
        True,
        False,
        False,
    ] and "No space left" in output.refused


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "storage_full"), (errno.EROFS, "output_not_writable")])
def test_where_renderers_must_write_and_the_disk_refuses_the_client_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    refusing(number, monkeypatch)
    with ViewOutput(batch_into(tmp_path / "sink", required=True)) as output:
        output.take(traced_view(0))
        assert len(output.finished()) == 1
        output.take(traced_view(1))
        with pytest.raises(ViewFailedError) as caught:
            output.finished()
    failure = caught.value.failure
    assert (failure.code, failure.field) == (code, "output_dir") and "'out/mine'" in failure.message and not failure.worth_retrying


def test_where_renderers_must_write_and_see_no_sink_the_client_is_told(tmp_path: Path) -> None:
    batch = make_batch(sink=Sink(str(tmp_path / "not"), NONCE, "out/mine", required=True))
    with ViewOutput(batch) as output:
        output.take(traced_view())
        with pytest.raises(ViewFailedError, match="'out/mine' cannot be written"):
            output.finished()


def test_a_view_that_makes_no_template_fails_and_nothing_is_written(tmp_path: Path) -> None:
    with ViewOutput(batch_into(tmp_path / "sink")) as output:
        output.take(dataclasses.replace(traced_view(), rgb=np.zeros((8, 8, 3), dtype=np.uint8)))
        with pytest.raises(ViewFailedError, match="not a template") as caught:
            output.finished()
    assert caught.value.failure.code == "render_failed" and os.listdir(tmp_path / "sink") == [PROBE]


@pytest.mark.parametrize("sink", [True, False])
def test_the_kinds_that_a_batch_wants_and_no_others_are_made(tmp_path: Path, sink: bool) -> None:
    view, wanted = traced_view(), WantedFiles(("mask", "rgba", "xyz"))
    batch = dataclasses.replace(batch_into(tmp_path / "sink") if sink else make_batch(fence=FENCE), wanted=wanted)
    with ViewOutput(batch) as output:
        output.take(view)
        ((told, sent),) = output.finished()
    files = list(template_files(view, wanted).values())
    assert told.kinds == wanted.kinds and told.files == tuple(map(content_of, files))
    if sink:
        names = attempt_names(7, FENCE, wanted.kinds)
        assert sorted(os.listdir(tmp_path / "sink")) == sorted([PROBE, *names])
        assert [(tmp_path / "sink" / name).read_bytes() for name in names] == files
    else:
        assert sent is not None and sent.files[:2] == tuple(files[:2]) and isinstance(sent.files[2], PackedXyz)


def test_the_box_of_the_mask_is_told_with_its_last_pixels() -> None:
    with ViewOutput(make_batch()) as output:
        output.take(traced_view())  # rows 8 to 15, columns 10 to 27
        ((told, _),) = output.finished()
    assert told.mask_box == (10, 8, 28, 16)
