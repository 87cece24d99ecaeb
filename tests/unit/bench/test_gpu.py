"""What `make bench-gpu` makes of what it measures, and of a machine without a GPU."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench import gpu

SEEN = {"OPTIX": ["NVIDIA H200"], "CUDA": ["NVIDIA H200"], "HIP": []}


@pytest.mark.parametrize(
    ("wanted", "kinds"), [("auto", ("OPTIX", "CUDA")), ("CUDA", ("CUDA",)), ("HIP", ()), ("CPU", ("CPU",))], ids=lambda value: str(value)
)
def test_every_kind_of_gpu_is_measured_or_the_one_that_is_asked_for(wanted: str, kinds: tuple[str, ...]) -> None:
    assert gpu.kinds_to_measure(wanted, SEEN) == kinds


def test_without_a_gpu_there_is_nothing_to_measure() -> None:
    assert gpu.kinds_to_measure("auto", {"CUDA": []}) == ()


def test_the_share_of_cycles_is_that_of_the_renderers_own_time() -> None:
    assert gpu.cycles_share({"renders": 3.0, "wall": 4.0}) == 75


@pytest.mark.parametrize(("wall", "percent"), [(11.0, 100), (13.0, 0), (12.5, 25)])
def test_files_are_hidden_where_the_renderer_does_not_wait_for_them(wall: float, percent: float) -> None:
    apart, beside = {"traced": 10.0, "files": 2.0}, {"traced": 11.0, "wall": wall}
    assert gpu.hidden_share(apart, beside) == pytest.approx(percent)
    assert gpu.slowed_by(apart, beside) == pytest.approx(10)


@pytest.mark.parametrize(("device", "named"), [([], "OPTIX, CUDA or HIP"), (["--device", "optix"], "no OPTIX device")])
def test_a_run_without_a_gpu_ends_with_a_sentence(
    device: list[str], named: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu.GpuBench, "devices", lambda self: {"OPTIX": [], "CUDA": []})
    monkeypatch.setattr(sys, "argv", ["gpu", *device, "--output", str(tmp_path / "gpu")])
    assert gpu.main() == 1
    told = capsys.readouterr()
    assert "GPUs that Cycles sees: none" in told.out
    assert named in told.err and "--device cpu" in told.err
    assert not (tmp_path / "gpu").exists()
