"""What tests run Blender with tells a process that hangs from one that works, ends or fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.watched import run_blender

HANGS_ONCE = """
import pathlib, time
tried = pathlib.Path("tried")
if not tried.exists():
    tried.touch()
    time.sleep(1000)
"""
WORKS = """
import time
until = time.process_time() + 2
while time.process_time() < until: pass
"""


def run(code: str, folder: Path) -> None:
    run_blender([sys.executable, "-c", code], folder, idle_sec=12.0)


def test_what_hangs_is_run_once_more(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Blender hung"):
        run(HANGS_ONCE, tmp_path)


def test_what_works_is_left_alone(tmp_path: Path) -> None:
    run(WORKS, tmp_path)


def test_what_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no such scene"):
        run("raise SystemExit('no such scene')", tmp_path)
