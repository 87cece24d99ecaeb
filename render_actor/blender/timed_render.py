"""Renders Blender's scene within a time limit, and never takes a picture that was cut short for a whole one."""

from __future__ import annotations

import math
import time
from pathlib import Path

from PIL import Image

from render_actor.blender.session import bpy
from render_actor.view.exr import read_exr
from render_actor.view.too_slow import ViewTooSlowError

_ROUNDING_SEC = 0.02
"""Cycles tells its time in hundredths of a second."""

_BUSY_MACHINE = 4
"""Times the limit for a second try, where the machine gave the first one less than half a core."""


def timed_render(path: Path, may_take_sec: float) -> None:
    """Render, and write the image to the scene's ``filepath``.

    Args:
        path: of that image.
        may_take_sec: seconds for sampling and denoising. Cycles looks at the time after each sample of all pixels, so it may be over
            by one. A machine that is busy with other things gets longer.

    Raises:
        ViewTooSlowError: it took longer; the image is cut short, and removed.
    """
    cycles = bpy.context.scene.cycles
    for limit in (may_take_sec, _BUSY_MACHINE * may_take_sec):
        cycles.time_limit = 0.0 if math.isinf(limit) else limit
        began, cpu = time.monotonic(), time.process_time()
        bpy.ops.render.render(write_still=True)
        # Cycles stops at the limit and not before, so an image that took less is whole. The time in which Blender gets the mesh
        # ready is not under the limit; only where that matters is the image asked.
        if time.monotonic() - began < limit or ((told := sampling_seconds(path)) is not None and told + _ROUNDING_SEC < limit):
            return
        path.unlink(missing_ok=True)
        if cycles.device != "CPU" or time.process_time() - cpu > may_take_sec / 2:
            break
    raise ViewTooSlowError(f"Cycles was stopped after {limit:.3g} s")


def sampling_seconds(path: Path) -> float | None:
    """What an image says of the time that Cycles took for it after it had the mesh ready; None where it says nothing."""
    try:
        told = _attributes(path)[f"cycles.{bpy.context.view_layer.name}.render_time"]  # As 01:02.34.
        return sum(float(part) * 60**place for place, part in enumerate(reversed(told.split(":"))))
    except (OSError, KeyError, ValueError):
        return None


def _attributes(path: Path) -> dict[str, str]:
    """What Blender has written into an image beside its pixels."""
    if path.suffix == ".exr":
        return read_exr(path).attributes
    with Image.open(path) as image:
        return {str(name): str(value) for name, value in image.info.items()}
