"""Which kind of device a renderer uses: chosen explicitly, and never the CPU in place of a GPU that was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

RenderDevice = Literal["auto", "OPTIX", "CUDA", "HIP", "CPU"]

GPU_KINDS = ("OPTIX", "CUDA", "HIP")
"""In order of preference."""


def wanted_kinds(device: RenderDevice, num_gpus: float) -> tuple[str, ...]:
    """The kinds of GPU that will do, best first; none means the CPU.

    Args:
        device: as the operator has it; ``auto`` leaves it to ``num_gpus``.
        num_gpus: GPUs, or a fraction of one, that Ray gives the renderer.
    """
    if device == "auto":
        return GPU_KINDS if num_gpus > 0 else ()
    return () if device == "CPU" else (device,)


def chosen_kind(device: RenderDevice, wanted: Sequence[str], names: Mapping[str, Sequence[str]]) -> str:
    """The first wanted kind that is there.

    Args:
        device: as the operator has it, for the message.
        wanted: of ``wanted_kinds``, not empty.
        names: names of the devices that Cycles sees, by kind.

    Raises:
        RuntimeError: none is there.
    """
    for kind in wanted:
        if names.get(kind):
            return kind
    seen = "; ".join(f"{kind}: {', '.join(found)}" for kind, found in names.items() if found) or "none"
    if device == "auto":
        raise RuntimeError(
            f"this renderer was given a GPU but Cycles sees no GPU ({', '.join(wanted)} tried); check the driver with nvidia-smi, "
            "or use serve_config.yaml or RENDER_DEVICE=CPU to render on the CPU"
        )
    raise RuntimeError(
        f"RENDER_DEVICE={device}, but Cycles sees no such device (GPUs it sees: {seen}); check the driver with nvidia-smi, "
        "or set RENDER_DEVICE to auto or CPU"
    )
