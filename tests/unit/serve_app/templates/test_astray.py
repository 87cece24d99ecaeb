"""Jobs that publish below a folder which another job gives its place, or which somebody moves, in that very moment."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from serve_app.base.directory import Directory
from serve_app.base.errors import ServiceError
from tests.unit.serve_app.templates.test_publishing import is_there, without_exchange
from tests.unit.serve_app.templates_made import staging_at, template

OLD, NEW, INNER = 1, 2, 3


def publish(root: Path, target: Path, brightness: int) -> None:
    staging = staging_at(root, target, f"job{brightness}")
    try:
        staging.open()
        staging.write("rgb_0.png", template("rgb_0.png", brightness))
        staging.publish({"rgb_0.png": len(template("rgb_0.png", brightness))})
    except ServiceError:
        staging.discard()
        raise


@pytest.mark.parametrize("exchange_works", [True, False])
@pytest.mark.parametrize("inner", ["inner", "between/inner"])
@pytest.mark.parametrize("earlier", [True, False])
def test_what_was_published_in_a_folder_that_goes_back_is_brought_to_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: bool, inner: str, exchange_works: bool
) -> None:
    outer, letter = tmp_path / "outer", tmp_path / "outer" / "letter.txt"
    publish(tmp_path, outer, OLD)
    if earlier:
        publish(tmp_path, outer / "between" / "other", OLD)
        publish(tmp_path, outer / inner, OLD)
    if not exchange_works:
        without_exchange(monkeypatch)
    real, met = Directory.names, list[str]()

    def names(self: Directory) -> list[str]:
        """The outer folder's other files appear when it was looked at; the inner job is quick, while they are out of its way."""
        found = real(self)
        if not met and self.path == outer:
            met.append("looked at")
            letter.write_text("mine")
        elif met == ["looked at"] and self.path.name.startswith(".render-") and "letter.txt" in found:
            met.append("exchanged")
            publish(tmp_path, outer / inner, INNER)
        return found if len(met) > 1 else [name for name in found if name not in ("between", "inner")]

    monkeypatch.setattr(Directory, "names", names)
    with pytest.raises(ServiceError) as caught:
        publish(tmp_path, outer, NEW)
    assert caught.value.code == "output_not_replaceable" and met == ["looked at", "exchanged"]
    assert letter.read_text() == "mine" and is_there(outer, OLD) and is_there(outer / inner, INNER)
    assert not earlier or is_there(outer / "between" / "other", OLD)
    assert not list(tmp_path.rglob(".render-*")) and not list(tmp_path.rglob("*.replaced-*"))


@pytest.mark.parametrize("earlier", [True, False])
def test_a_job_whose_folder_is_moved_in_the_last_moment_fails_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: bool
) -> None:
    outer, elsewhere = tmp_path / "outer", tmp_path / "elsewhere"
    outer.mkdir()
    if earlier:
        publish(tmp_path, outer / "inner", OLD)
    real = Directory.rename

    def rename(self: Directory, name: str, new_name: str) -> None:
        if outer.exists():
            outer.rename(elsewhere)
        real(self, name, new_name)

    monkeypatch.setattr(Directory, "rename", rename)
    with pytest.raises(ServiceError) as caught:
        publish(tmp_path, outer / "inner", NEW)
    assert caught.value.code == "output_not_writable" and "was moved" in caught.value.detail
    assert not list(tmp_path.rglob(".render-*")) and not outer.exists()
    assert is_there(elsewhere / "inner", OLD) if earlier else not any(elsewhere.iterdir())


def test_what_was_published_and_then_brought_to_its_place_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outer, elsewhere = tmp_path / "outer", tmp_path / "elsewhere"
    outer.mkdir()
    real = Directory.rename

    def rename(self: Directory, name: str, new_name: str) -> Any:
        if new_name == "inner":  # Another job's folder is the outer one, and is so no more.
            outer.rename(elsewhere)
            outer.mkdir()
            return real(self, name, new_name)
        (elsewhere / "inner").rename(outer / "inner")
        raise OSError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr(Directory, "rename", rename)
    publish(tmp_path, outer / "inner", NEW)
    assert is_there(outer / "inner", NEW) and not any(elsewhere.iterdir())
