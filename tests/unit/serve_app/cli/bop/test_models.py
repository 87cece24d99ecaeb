from __future__ import annotations

import json
from pathlib import Path

import pytest

from serve_app.cli.bop.models import MODELS_INFO, models_in
from serve_app.cli.exit_codes import UsageError


def touched(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def test_objects_of_bop_are_found_beside_other_files(tmp_path: Path) -> None:
    touched(tmp_path, "obj_000012.ply", "obj_000005.ply", "obj_000005.png", "scan_7.ply", "notes.txt")
    (tmp_path / MODELS_INFO).write_text(json.dumps({"5": {"diameter": 102.5, "min_x": 1}, "12": {"diameter": 40}, "13": {}}))
    assert [(model.object_id, model.path.name, model.diameter) for model in models_in(tmp_path)] == [
        (5, "obj_000005.ply", 102.5),
        (12, "obj_000012.ply", 40),
    ]


def test_any_cads_are_taken_where_there_are_none_of_bop_s_names(tmp_path: Path) -> None:
    touched(tmp_path, "gear_2.stl", "bolt1.OBJ", "bolt1.mtl")
    assert [(model.object_id, model.path.name, model.diameter) for model in models_in(tmp_path)] == [
        (1, "bolt1.OBJ", None),
        (2, "gear_2.stl", None),
    ]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "holds no CAD"),
        (["gear.stl"], r"gear\.stl has no object id"),
        (["gear1234567.stl"], "at most six digits"),
        (["gear_1.stl", "bolt_001.obj"], r"bolt_001\.obj and gear_1\.stl have the same object id 1"),
    ],
)
def test_what_cannot_be_a_dataset_is_refused(tmp_path: Path, names: list[str], words: str) -> None:
    touched(tmp_path, *names)
    with pytest.raises(UsageError, match=words):
        models_in(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none cannot be read: No such file"):
        models_in(tmp_path / "none")


@pytest.mark.parametrize("text", ["{", "[]", '{"one": {"diameter": 1}}', '{"1": {"diameter": -1}}', '{"1": {"diameter": "1"}}', '{"1": 3}'])
def test_models_info_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    touched(tmp_path, "obj_000001.ply")
    (tmp_path / MODELS_INFO).write_text(text)
    with pytest.raises(UsageError, match=r"models_info\.json"):
        models_in(tmp_path)
