from __future__ import annotations

from pathlib import Path

import pytest

from serve_app.cli.exit_codes import UsageError
from serve_app.cli.render.orders import orders_of


@pytest.fixture
def cads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "more").mkdir()
    for name in ("a.stl", "a.step", "b.ply", "more/b.ply"):
        (tmp_path / name).write_text(name)
    return tmp_path


def test_one_cad_and_a_folder_is_the_older_form(cads: Path) -> None:
    (order,) = orders_of(["a.stl", "out"], None, {})
    assert (order.cad, order.output) == (cads / "a.stl", cads / "out")


def test_each_cad_has_a_folder_of_its_name(cads: Path) -> None:
    assert [order.output.name for order in orders_of(["a.stl", "b.ply"], "out", {})] == ["a", "b"]
    assert [order.output.name for order in orders_of(["a.stl", "a.step", "./b.ply", "more/../b.ply"], "out", {})] == [
        "a.stl",
        "a.step",
        "b",
    ]
    assert orders_of(["a.stl"], "out/", {})[0].output == cads / "out" / "a"  # However many they are.


@pytest.mark.parametrize(
    ("words", "output", "told"),
    [
        (["a.stl"], None, "-o DIR"),
        (["a.stl", "b.ply"], None, "-o DIR"),
        (["a.stl", "b.ply", "out"], None, "-o DIR"),
        (["b.ply", "more/b.ply"], "out", "would have the same folder, b.ply"),
        (["none.stl"], "out", "none.stl cannot be read: No such file"),
        (["more", "out"], None, "more cannot be read: Is a directory"),
    ],
)
def test_what_cannot_be_meant_is_wrong_use(cads: Path, words: list[str], output: str | None, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        orders_of(words, output, {})


def test_a_job_is_known_again_by_all_that_decides_its_files(cads: Path) -> None:
    mark = orders_of(["a.stl"], "out", {"samples": 4})[0].mark
    assert orders_of(["./a.stl"], "out", {"samples": 4})[0].mark == mark and len(mark) < 48
    others = [orders_of(["a.stl"], "out", {})[0].mark, orders_of(["a.stl"], "out2", {"samples": 4})[0].mark]
    (cads / "a.stl").write_text("changed")
    assert mark not in (*others, orders_of(["a.stl"], "out", {"samples": 4})[0].mark)
    order = orders_of(["a.stl"], "out", {})[0]
    assert order.new_job_id().startswith(order.mark) and order.new_job_id() != order.new_job_id()
