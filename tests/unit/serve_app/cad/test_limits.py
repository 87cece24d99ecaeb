"""What reading a CAD may take, and that its process is the first to go."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits

LIMITS = CadLimits.from_settings(Settings())
MEBIBYTE = 1024**2


@pytest.mark.parametrize(("size", "seconds"), [(0, 8), (32 * MEBIBYTE, 10), (128 * MEBIBYTE, 16), (512 * MEBIBYTE, 40)])
def test_the_time_grows_with_the_size_and_with_the_setting(size: int, seconds: float) -> None:
    assert LIMITS.seconds(size) == seconds
    assert dataclasses.replace(LIMITS, base_seconds=16).seconds(size) == 2 * seconds


def test_formats_that_take_longer_for_a_byte_have_more_time() -> None:
    assert [LIMITS.seconds(16 * MEBIBYTE, suffix) for suffix in (".ply", ".3mf", ".STEP", ".igs")] == [9, 16, 72, 72]


def test_the_parsing_process_is_the_first_that_the_kernel_ends() -> None:
    code = (
        "from serve_app.cad.sandbox.confinement import limit_resources\nlimit_resources(2**30, 5)\n"
        "print(open('/proc/self/oom_score_adj').read())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "1000"


def test_they_are_what_the_operator_set_and_survive_the_command_line() -> None:
    settings = Settings(max_cad_bytes=1, max_faces=2, max_texture_pixels=3, cad_memory_bytes=1024**3, cad_timeout_sec=5)
    limits = CadLimits.from_settings(settings)
    assert limits == CadLimits(max_bytes=1, faces=2, texture_pixels=3, memory=1024**3, base_seconds=5)
    assert limits.vertices == 6 and CadLimits.from_json(limits.to_json()) == limits
