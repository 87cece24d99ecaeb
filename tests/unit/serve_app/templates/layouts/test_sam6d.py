from __future__ import annotations

import json

import numpy as np

from render_actor.contract.file_kinds import KINDS
from render_actor.contract.view_files import file_names
from serve_app.templates.layouts.sam6d import POSES, Sam6d
from tests.unit.serve_app.templates.layouts.rendered import rendered_object


def test_templates_lie_flat_under_the_names_that_sam6d_reads() -> None:
    assert [Sam6d().paths(kind, 7, 42) for kind in Sam6d.kinds] == [(name,) for name in file_names(7)]
    assert Sam6d().folder(5) == "templates"


def test_no_consumer_counts_what_outputs_add() -> None:
    added = [path for kind in KINDS if kind in Sam6d.outputs for path in Sam6d().paths(kind, 0, 42)]
    added += Sam6d().documents(rendered_object(outputs=frozenset({"poses"})))
    assert sorted(added) == ["extra/depth_0.png", "extra/normals_0.png", "extra/poses.json", "extra/rgba_0.png"]


def test_poses_are_told_where_they_are_asked_for() -> None:
    assert Sam6d().documents(rendered_object()) == {}
    text = Sam6d().documents(rendered_object(outputs=frozenset({"poses", "depth"})))[POSES]
    assert Sam6d.forms[r"extra/poses\.json"].fits(text[:256])
    told = json.loads(text)
    assert told["poses"].startswith("object to camera") and told["depth_scale_mm"] == 0.1
    assert [view["index"] for view in told["views"]] == [0, 1]
    second = rendered_object().views[1]
    assert np.array_equal(told["views"][1]["m2c"], second.pose) and np.array_equal(told["views"][1]["K"], second.intrinsics)
    assert told["views"][1]["mask_box"] == [300, 200, 340, 231] and told["views"][1]["width"] == 640
