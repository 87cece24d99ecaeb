"""The one place that imports Blender and BlenderProc, and knows what BlenderProc needs to run as a library.

Only a process's main thread may use it. Import it inside the renderer's process, never at the top of a module that
the service imports.
"""

from __future__ import annotations

import importlib.metadata
import os
import tempfile

from render_actor.process.own_temporary_folder import own_temporary_folder

# BlenderProc refuses to be imported by a plain interpreter unless this says that a run script did it.
os.environ["OUTSIDE_OF_THE_INTERNAL_BLENDER_PYTHON_ENVIRONMENT_BUT_IN_RUN_SCRIPT"] = "1"
# BlenderProc imports GitPython, which refuses to be imported on a machine without git unless told to keep quiet.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

# Blender and BlenderProc make temporary folders of their own when they are imported: have them inside ours.
TEMPORARY_FOLDER = own_temporary_folder("render-server-blender-")
os.environ["TMPDIR"] = tempfile.tempdir = str(TEMPORARY_FOLDER)

import bpy
from blenderproc.python.renderer import RendererUtility
from blenderproc.python.types.LightUtility import Light
from blenderproc.python.utility import Initializer
from blenderproc.python.utility.Utility import Utility
from mathutils import Matrix

from render_actor.contract.device import GPU_KINDS, RenderDevice, chosen_kind, wanted_kinds

__all__ = ["TEMPORARY_FOLDER", "Light", "Matrix", "RendererUtility", "bpy", "start_session", "versions"]


def start_session(*, device: RenderDevice = "auto", num_gpus: float = 0.0, threads: int) -> str:
    """Set up an empty Blender as ``blenderproc.init()`` does, for the life of the process.

    ``init()`` itself fails with the PyPI bpy, which knows only the default language; these are its other steps.

    Args:
        device: what to render on; ``auto`` takes a GPU where ``num_gpus`` gives one, and otherwise the CPU.
        num_gpus: GPUs, or a fraction of one, that this process was given.
        threads: CPU threads of Cycles.

    Returns:
        The device that will be used, for example ``CPU`` or ``CUDA: NVIDIA H200``.

    Raises:
        RuntimeError: a GPU was asked for and Cycles does not see it.
    """
    Utility.temp_dir = str(TEMPORARY_FOLDER)
    Initializer.clean_up(clean_up_camera=True)
    bpy.context.scene.render.engine = "CYCLES"
    # BlenderProc falls back to the CPU without a word, and uses the CPU beside a GPU: choose here.
    RendererUtility.set_render_devices(use_only_cpu=True)
    Initializer._Initializer.set_default_parameters()
    RendererUtility.set_cpu_threads(threads)
    wanted = wanted_kinds(device, num_gpus)
    return _use_gpu(device, wanted) if wanted else "CPU"


def _use_gpu(device: RenderDevice, wanted: tuple[str, ...]) -> str:
    preferences = bpy.context.preferences.addons["cycles"].preferences
    names: dict[str, list[str]] = {}
    for kind in GPU_KINDS:
        try:
            names[kind] = [found.name for found in preferences.get_devices_for_type(kind) if found.type == kind]
        except ValueError:  # This build of Blender does not know the kind.
            continue
    kind = chosen_kind(device, wanted, names)
    preferences.compute_device_type = kind
    for found in preferences.devices:
        found.use = found.type == kind
    bpy.context.scene.cycles.device = "GPU"
    return f"{kind}: {names[kind][0]}"


def versions() -> dict[str, str]:
    """Versions of what shapes the images."""
    names = ("blenderproc", "embreex", "opencv-python", "numpy")
    return {"blender": bpy.app.version_string, **{name: importlib.metadata.version(name) for name in names}}
