from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from serve_app.cli import main as command
from tests.unit.serve_app.templates.checker.conftest import save_png, templates, write_manifest

__all__ = ["templates"]

CUBE = "".join(f"v {x} {y} {z}\n" for x in (-10, 10) for y in (-10, 10) for z in (-10, 10)) + "f 1 2 8\nf 3 5 7\nf 4 6 1\n"


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """Exit code of ``render-server check-templates``."""
    monkeypatch.setattr(sys, "argv", ["render-server", "check-templates", *map(str, words)])
    try:
        command.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_a_good_folder_is_0(templates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cube.obj").write_text(CUBE)
    reference = shutil.copytree(templates, tmp_path / "reference")
    words = ["--views", 3, "--cad", tmp_path / "cube.obj", "--reference", reference, "--converged", reference]
    assert run(monkeypatch, templates.parent, *words) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1] == f"[SUCCESS] {templates} keeps the contract" and printed.err == ""
    assert [line.split(":")[0] for line in printed.out.splitlines()[:3]] == [
        "[INFO] mask IoU",
        "[INFO] xyz error (99th percentile)",
        "[INFO] PSNR",
    ]


def test_the_errors_that_the_manifest_tells_are_told_and_a_missed_bound_is_a_warning(
    templates: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_manifest(templates, samples=50, estimated_error=None, error_bound=None)
    assert run(monkeypatch, templates) == 0
    assert capsys.readouterr().out.splitlines()[:-1] == ["[INFO] samples a pixel: median 50, most 50"]
    write_manifest(templates, samples=20, estimated_error=0.9, error_bound=1.25)
    content = json.loads((templates / "manifest.json").read_text())
    content["views"][1] |= {"samples": 256, "estimated_error": 1.413}
    (templates / "manifest.json").write_text(json.dumps(content))
    assert run(monkeypatch, templates) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[:-1] == [
        "[INFO] samples a pixel: median 20, most 256",
        "[INFO] estimated error: median 0.90, highest 1.41 of 255",
    ]
    assert printed.err == "[WARNING] the error is above what the quality promises in views 1 (1.413, bound 1.25)\n"


def test_findings_are_1_and_a_line_each(templates: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(templates / "poses.npy", np.eye(4))
    (templates / "mask_2.png").unlink()
    assert run(monkeypatch, templates) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("[ERROR] mask_2.png: missing") and lines[1].startswith("[ERROR] poses.npy: ends in .npy")
    assert lines[2].endswith("2 finding(s)")


def test_many_findings_are_cut(templates: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, templates, "--views", 42) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 21 and lines[-1].endswith("117 finding(s), 20 shown")


def test_the_cads_unit_counts(templates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "metres.obj").write_text(CUBE.replace("10", "0.01"))
    assert run(monkeypatch, templates, "--cad", tmp_path / "metres.obj") == 1
    assert "--unit m" in capsys.readouterr().err
    assert run(monkeypatch, templates, "--cad", tmp_path / "metres.obj", "--unit", "m") == 0


def test_bounds_may_be_given(templates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    reference = shutil.copytree(templates, tmp_path / "reference")
    xyz = np.load(templates / "xyz_0.npy")
    np.save(templates / "xyz_0.npy", np.where(xyz == -1, xyz, xyz + np.float16(0.75)))
    assert run(monkeypatch, templates, "--reference", reference) == 1
    assert "xyz_0.npy" in capsys.readouterr().err
    assert run(monkeypatch, templates, "--reference", reference, "--max-xyz-error", 1.5) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none"], "none is not a folder"),
        (["templates", "--reference", "empty"], "holds no rgb_<i>.png"),
        (["templates", "--converged", "none"], "not a folder"),
        (["templates", "--cad", "none.obj"], "none.obj"),
        (["templates", "--cad", "broken.obj"], "no faces"),
        (["templates", "--reference", "half"], "xyz_0.npz"),
        (["templates", "--views", "0"], "--views"),
        ([], "DIR"),
    ],
)
def test_wrong_use_is_2(
    templates: Path, words: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(templates.parent)
    Path("empty").mkdir()
    Path("half").mkdir()
    shutil.copy("templates/mask_0.png", "half")
    save_png(Path("half/rgb_0.png"), np.zeros((4, 4, 3), dtype=np.uint8))
    Path("broken.obj").write_text("v 0 0 0\n")
    assert run(monkeypatch, *words) == 2
    assert said in capsys.readouterr().err
