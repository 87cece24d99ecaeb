"""The actor in a process of its own, since it changes its niceness; without a Blender."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from render_actor.contract.sink import PROBE

SHOWN = """
import json, os, sys
from render_actor.blender.actor import BlenderActor
from render_actor.contract.types import Failure, RendererOptions, Sink
from tests.unit.render_actor.view.traced_views import traced_view
from tests.unit.render_actor.worker.fake_blender import make_batch
import dataclasses

events, failing, folder = [], sys.argv[1], sys.argv[2]

class Drawing(BlenderActor):
    def _load(self, batch):
        return 0.25

    def _render_view(self, batch, view):
        events.append(["traced", view])
        if view == 2 and failing == "a view":
            return Failure("view_blank", "view 2 is blank")
        if view == 2 and failing == "Blender":
            raise RuntimeError("/srv/secret")
        return traced_view(view)

batch = dataclasses.replace(make_batch(sink=Sink(folder, "5" * 32, "out")), views=(0, 1, 2), together_sec=float(sys.argv[3]))
for answer in Drawing("r0", RendererOptions(), os.getpid()).render(batch):
    events += [["told", view.view, view.in_sink] for view in answer.views]
    if answer.result:
        events.append(["ended", answer.result.failure and answer.result.failure.code, answer.result.mesh_seconds])
print(json.dumps(events))
"""


def test_a_blender_that_will_not_start_says_why() -> None:
    code = (
        "import os, sys; sys.modules['bpy'] = None\n"
        "from render_actor.blender.actor import BlenderActor\nfrom render_actor.contract.types import RendererOptions\n"
        "print(BlenderActor('r', RendererOptions(), os.getpid()).warm_up().message)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.startswith("Failed to initialize BlenderProc: ") and "bpy" in printed


@pytest.mark.parametrize(
    ("failing", "ends"),
    [
        ("nothing", [["told", 1, True], ["told", 2, True], ["ended", None, 0.25]]),
        ("a view", [["told", 1, True], ["ended", "view_blank", 0.25]]),
        ("Blender", [["ended", "render_failed", 0.25]]),
    ],
)
def test_each_view_is_told_when_the_next_one_is_traced(tmp_path: Path, failing: str, ends: list[list[object]]) -> None:
    (tmp_path / PROBE).write_text("5" * 32)
    command = [sys.executable, "-c", SHOWN, failing, str(tmp_path), "0"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[4]).stdout
    begin = [["traced", 0], ["traced", 1], ["told", 0, True], ["traced", 2]]
    assert json.loads(printed) == begin + ends
    assert len(os.listdir(tmp_path)) == 1 + 3 * {"nothing": 3}.get(failing, 2)


def test_views_that_are_quick_are_told_together_in_the_end(tmp_path: Path) -> None:
    (tmp_path / PROBE).write_text("5" * 32)
    command = [sys.executable, "-c", SHOWN, "nothing", str(tmp_path), "60"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[4]).stdout
    traced, told = [["traced", view] for view in range(3)], [["told", view, True] for view in range(3)]
    assert json.loads(printed) == [*traced, *told, ["ended", None, 0.25]]
