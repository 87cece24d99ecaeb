"""What `make bench-gpu` measures of one Blender, on the CPU and with tiny views: a machine with a GPU runs the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.gpu import GpuBench


def test_one_blender_is_measured_on_the_cpu(tmp_path: Path) -> None:
    bench = GpuBench(tmp_path, tmp_path / "told", views=2, resolution=64, repeats=1, renderers=[])
    seen = bench.devices()
    assert set(seen) >= {"OPTIX", "CUDA"}
    bench.run(["CPU"])
    values = {figure.name: figure.value for figure in bench.figures}
    assert 0 < values["share of Cycles in a view"] < 100
    assert values["a view, one Blender, no server"] > 0
    told = json.loads((tmp_path / "told" / "gpu.json").read_text())
    assert told["machine"]["used"] == ["CPU"] and [one["name"] for one in told["figures"]] == list(values)
    # Both ways have made the files of both views.
    assert len(list((tmp_path / "CPU").glob("rgb_*"))) == len(list((tmp_path / "CPU").glob("xyz_*"))) == 4
    with pytest.raises(RuntimeError, match="sees no such device"):
        bench.run([next(kind for kind, names in seen.items() if not names)])
