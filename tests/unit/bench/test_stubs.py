"""Stub renderers write what a Blender would, the same way. In a process of their own, since an actor changes its niceness."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.process_cpu import kind_of
from bench.stub_app import StubArgs
from bench.stub_renderer import ball
from render_actor.contract.file_kinds import TEMPLATE_KINDS
from render_actor.contract.sink import PROBE, attempt_names
from render_actor.view.template_files import check_files

RENDERED = """
import dataclasses, json, os, sys
from bench.stub_renderer import StubActor, StubOptions
from render_actor.contract.types import BlenderReport, Sink
from tests.unit.render_actor.worker.fake_blender import make_batch

batch = make_batch(fence=7, sink=Sink(sys.argv[1], "5" * 32, "out"))
batch = dataclasses.replace(batch, views=(0, 1), scene=dataclasses.replace(batch.scene, width=128, height=96))
stub = StubActor("r0", StubOptions(seconds_a_view=0.01), os.getpid())
assert isinstance(stub.warm_up(), BlenderReport)
told, result = [], None
for answer in stub.render(batch):
    told += [[view.view, view.in_sink, [content.size for content in view.files], view.mask_pixels] for view in answer.views]
    result = answer.result
print(json.dumps({"told": told, "failure": result.failure and result.failure.message, "bpy": "bpy" in sys.modules}))
"""


def test_a_stub_writes_files_that_are_templates(tmp_path: Path) -> None:
    (tmp_path / PROBE).write_text("5" * 32)
    run = subprocess.run([sys.executable, "-c", RENDERED, str(tmp_path)], capture_output=True, text=True, check=True)
    answer = json.loads(run.stdout.splitlines()[-1])
    assert answer["failure"] is None and not answer["bpy"]
    assert [view for view, *_ in answer["told"]] == [0, 1]
    for view, in_sink, sizes, pixels in answer["told"]:
        files = dict(zip(TEMPLATE_KINDS, ((tmp_path / name).read_bytes() for name in attempt_names(view, 7)), strict=True))
        assert in_sink and sizes == [len(data) for data in files.values()] and pixels == ball(128, 96).mask.sum()
        check_files(files, ball(128, 96))


def test_a_stubs_view_is_as_large_as_a_real_one() -> None:
    assert 0.15 < ball(512, 512).mask.mean() < 0.3


def test_a_stub_is_set_up_as_a_blender_is_but_for_its_sleep() -> None:
    args = StubArgs(cpus_per_renderer=0.2, recycle_after_jobs=7, stub_seconds_a_view=0.5)
    options = args.renderer_options("CPU")
    assert (options.num_cpus, options.recycle_after_jobs, options.device, options.seconds_a_view) == (0.2, 7, "CPU", 0.5)


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("ray::ServeReplica:render-server:Ingress", "ingress"),
        ("ray::ServeReplica:render-server:RenderWorker", "shells"),
        ("ray::StubActor.render", "renderers"),
        ("/opt/ray/raylet --raylet_socket_name=x", "raylet"),
        ("python -m something", "others"),
    ],
)
def test_a_process_is_told_by_its_command_line(command: str, kind: str) -> None:
    assert kind_of(command) == kind
