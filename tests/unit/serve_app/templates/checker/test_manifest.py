from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from render_actor.contract.view_quality import ViewQuality
from serve_app.templates.checker.contract import check_contract
from serve_app.templates.checker.manifest import check_manifest, manifest_qualities
from tests.unit.serve_app.templates.checker.conftest import VIEWS, save_png, write_manifest


def test_a_folder_without_or_with_a_true_manifest_has_no_findings(templates: Path) -> None:
    assert check_manifest(templates) == []
    write_manifest(templates)
    assert check_manifest(templates) == [] == check_contract(templates)


def test_a_changed_file_is_found_by_its_hash(templates: Path) -> None:
    write_manifest(templates)
    save_png(templates / "rgb_1.png", np.array(Image.open(templates / "rgb_1.png"))[::-1])
    (finding,) = check_contract(templates)
    assert finding.file == "rgb_1.png" and "the manifest says" in finding.problem and "changed after" in finding.consequence


def test_a_missing_file_is_found_in_both_lists(templates: Path) -> None:
    write_manifest(templates)
    (templates / "xyz_1.npy").unlink()
    assert [finding.file for finding in check_contract(templates)] == ["xyz_1.npy"] * 2


def test_the_manifest_says_how_many_views_there_are(templates: Path) -> None:
    write_manifest(templates)
    for name in (f"rgb_{VIEWS - 1}.png", f"mask_{VIEWS - 1}.png", f"xyz_{VIEWS - 1}.npy"):
        (templates / name).unlink()
    assert any("there must be 3 views" in finding.problem for finding in check_contract(templates))


def test_a_file_of_another_rendering_is_found(templates: Path) -> None:
    write_manifest(templates)
    (templates / "rgb_9.png").write_bytes((templates / "rgb_0.png").read_bytes())
    assert [finding.file for finding in check_manifest(templates)] == ["rgb_9.png"]


@pytest.mark.parametrize("content", ["not JSON", "[]", "{}", '{"views": [{"files": {"rgb_0.png": {}}}]}', '{"views": 3}', '{"views": [7]}'])
def test_a_manifest_that_is_none_is_a_finding(templates: Path, content: str) -> None:
    (templates / "manifest.json").write_text(content)
    (finding,) = check_contract(templates)
    assert finding.file == "manifest.json" and "cannot be read" in finding.problem


def test_a_manifest_lists_what_is_in_a_real_one(templates: Path) -> None:
    write_manifest(templates)
    listed = json.loads((templates / "manifest.json").read_text())["views"][0]["files"]
    assert set(listed) == {"rgb_0.png", "mask_0.png", "xyz_0.npy"}


def test_what_the_manifest_says_of_sampling_is_read_where_it_says_it(templates: Path) -> None:
    assert manifest_qualities(templates) == {}
    write_manifest(templates)
    assert manifest_qualities(templates) == {}
    write_manifest(templates, samples=20, estimated_error=0.9, error_bound=1.25)
    assert manifest_qualities(templates) == dict.fromkeys(range(VIEWS), ViewQuality(20, 0.9, 1.25)) and check_manifest(templates) == []


def test_a_sampling_that_is_no_number_is_a_finding(templates: Path) -> None:
    write_manifest(templates, samples="20")
    (finding,) = check_manifest(templates)
    assert finding.file == "manifest.json" and "no numbers" in finding.problem and manifest_qualities(templates) == {}
