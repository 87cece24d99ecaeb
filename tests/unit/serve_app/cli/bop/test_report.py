from __future__ import annotations

from pathlib import Path

import pytest

from serve_app.cli.bop.models import Model
from serve_app.cli.bop.order import Order
from serve_app.cli.bop.report import as_json, print_table
from serve_app.cli.bop.watches import Lines, told
from serve_app.cli.bop.work import Outcome


def outcomes() -> list[Outcome]:
    orders = [Order(Model(number, Path(f"/in/obj_{number:06d}.ply"), None), {}, Path(f"/out/{number}"), "0" * 64) for number in (1, 2, 3)]
    return [
        Outcome(orders[0], "a", "succeeded", 42, 42, 12.34, "", ["it is grey"]),
        Outcome(orders[1], "b", "there", 42, 42, 1.0),
        Outcome(orders[2], "c", "failed", 0, 0, 0.5, "the CAD holds no faces"),
    ]


def test_the_table_has_a_row_for_each_cad_and_no_line_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(outcomes())
    rows = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "1 obj_000001.ply 42 12.3 succeeded it is grey" in rows
    assert "2 obj_000002.ply 42 1.0 there" in rows
    assert "3 obj_000003.ply 0.5 failed the CAD holds no faces" in rows


def test_json_has_what_the_table_has() -> None:
    told_all = as_json(outcomes())
    assert (told_all["published"], told_all["failed"]) == (2, 1)
    failed = told_all["objects"][2]
    assert (failed["object_id"], failed["state"], failed["error"], failed["published"]) == (3, "failed", "the CAD holds no faces", False)


def test_lines_count_what_has_ended() -> None:
    said: list[str] = []
    every = outcomes()
    every[1].state = "running"
    with Lines(every, said.append) as lines:
        lines.ended(every[0])
        lines.moved()
    assert said == [f"2/3 {told(every[0])}"] and told(every[0]) == "obj_000001.ply: 42 views in 12.3 s"
