from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from serve_app.cli.bop.command import add_bop_flags, bop
from serve_app.cli.checks import free_port
from serve_app.cli.exit_codes import NO_SERVER, WRONG_USE


def exit_code(*words: str) -> int:
    parser = argparse.ArgumentParser()
    add_bop_flags(parser, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(SystemExit) as ended:
        bop(parser.parse_args(words))
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture
def models(tmp_path: Path) -> Path:
    (tmp_path / "obj_000001.ply").write_text("a CAD")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--layout", "nocs"), "sam6d-bop"),
        (("--layout", "cnos", "--distance-diameters", "0"), "--distance-diameters must be above 0"),
        (("--layout", "cnos", "--samples", "many"), "--samples"),
        (("--layout", "cnos", "--object-id", "3"), "--object-id"),
        (("--layout", "cnos", "--camera", "distance_mm=600"), "--camera: it must be JSON"),
        ((), "--layout"),
    ],
)
def test_wrong_use_is_told_in_words(models: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str) -> None:
    assert exit_code(str(models), "-o", "out", *words) == WRONG_USE
    assert said in capsys.readouterr().err


def test_a_folder_without_cads_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(str(tmp_path), "-o", "out", "--layout", "bop") == WRONG_USE
    assert "holds no CAD" in capsys.readouterr().err


def test_a_server_that_does_not_answer_is_told_apart(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(str(models), "-o", "out", "--layout", "bop", "--json") == NO_SERVER
    assert capsys.readouterr().err.startswith("[ERROR] no server answers at ")
