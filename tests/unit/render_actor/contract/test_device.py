from __future__ import annotations

import pytest
from pydantic import ValidationError

from render_actor.contract.device import chosen_kind, wanted_kinds
from serve_app.app import AppArgs
from serve_app.base.settings import Settings


def test_auto_takes_the_cpu_only_where_there_is_no_gpu() -> None:
    assert wanted_kinds("auto", 0) == ()
    assert wanted_kinds("auto", 0.5) == ("OPTIX", "CUDA", "HIP")


def test_a_forced_device_is_the_only_one_wanted() -> None:
    assert wanted_kinds("CUDA", 1) == ("CUDA",)
    assert wanted_kinds("CPU", 1) == ()


def test_the_best_kind_that_is_there_is_chosen() -> None:
    assert chosen_kind("auto", ("OPTIX", "CUDA", "HIP"), {"OPTIX": [], "CUDA": ["NVIDIA H200"]}) == "CUDA"


def test_a_forced_device_that_is_missing_is_an_error_and_names_what_is_there() -> None:
    with pytest.raises(RuntimeError, match=r"RENDER_DEVICE=OPTIX.*CUDA: NVIDIA H200"):
        chosen_kind("OPTIX", ("OPTIX",), {"OPTIX": [], "CUDA": ["NVIDIA H200"]})


def test_a_gpu_that_cycles_does_not_see_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="given a GPU but Cycles sees no GPU"):
        chosen_kind("auto", wanted_kinds("auto", 1), {})


def test_the_device_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert AppArgs().renderer_options(Settings().device).device == "auto"
    monkeypatch.setenv("RENDER_DEVICE", "cuda")
    assert AppArgs().renderer_options(Settings().device).device == "CUDA"
    monkeypatch.setenv("RENDER_DEVICE", "gpu")
    with pytest.raises(ValidationError, match="RENDER_DEVICE"):
        Settings()
