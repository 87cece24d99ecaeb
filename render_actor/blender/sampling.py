"""Makes Cycles sample and denoise as a ``Sampling`` says."""

from __future__ import annotations

from render_actor.blender.guide_pass import set_guide_pass
from render_actor.blender.session import RendererUtility, bpy
from render_actor.contract.scene import Sampling

PATTERN_SAMPLES = 256
"""Cycles makes its sample pattern for the number of samples that it is told: samples that are taken in parts are parts of this many."""


def apply_sampling(sampling: Sampling) -> None:
    """Set Blender's one scene up for a sampling, whatever it was set up for before.

    Where an error is promised, samples are taken by ``next_samples``, in parts, and the images are linear and keep their noise.
    """
    scene, layer = bpy.context.scene, bpy.context.view_layer
    in_parts = sampling.bound is not None
    _denoise_in_compositor(sampling.denoiser == "compositor")
    cycles, image = scene.cycles, scene.render.image_settings
    cycles.samples = max(PATTERN_SAMPLES, sampling.max_samples or 0) if in_parts else sampling.samples
    cycles.use_sample_subset = in_parts
    cycles.use_adaptive_sampling = False
    cycles.use_denoising = layer.cycles.use_denoising = sampling.denoiser == "cycles" and not in_parts
    layer.cycles.denoising_store_passes = in_parts
    set_guide_pass(in_parts)
    layer.use_pass_diffuse_direct = in_parts
    layer.use_pass_diffuse_color = in_parts or sampling.denoiser == "compositor"
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.denoising_use_gpu = cycles.device == "GPU"
    cycles.denoising_input_passes = "RGB_ALBEDO" if sampling.guides else "RGB"
    cycles.denoising_prefilter = "NONE"
    cycles.denoising_quality = "FAST"  # Half the time of BALANCED, for a few samples more.
    if in_parts:
        image.file_format, image.exr_codec, image.color_depth = "OPEN_EXR_MULTILAYER", "NONE", "32"
    else:
        image.file_format, image.color_depth = "PNG", "16" if sampling.dither else "8"
        image.color_mode = "RGB"
        image.compression = 0
    # Cycles keeps its sample pattern with the persistent data: after a render with more samples, an equal request would
    # get other noise. Switching it off and on drops the pattern.
    scene.render.use_persistent_data = False
    scene.render.use_persistent_data = True


def next_samples(first: int, count: int) -> None:
    """Have the next render take a part of the samples.

    Args:
        first: number of the first of them.
        count: how many.
    """
    cycles = bpy.context.scene.cycles
    cycles.sample_offset, cycles.sample_subset_length = first, count


def choose_lamps(sampling: Sampling, *, many: bool) -> None:
    """Have Cycles choose the lamp that a sample asks for light.

    Args:
        sampling: that the scene is set up for.
        many: whether the object has lamps, too. Of many, Cycles' light tree finds those that matter: half the error, on a lamp as a CAD.
            Beside the one lamp it would cost a tenth for the same picture. BlenderProc, and so the stock procedure, goes without it.
    """
    bpy.context.scene.cycles.use_light_tree = many and sampling.bound is not None


def _denoise_in_compositor(wanted: bool) -> None:
    """Switch the stock procedure's denoiser on, or off with everything that BlenderProc leaves switched on for it."""
    RendererUtility.set_denoiser("INTEL" if wanted else None)
    scene, layer = bpy.context.scene, bpy.context.view_layer
    scene.use_nodes = scene.render.use_compositing = wanted
    layer.use_pass_normal = layer.use_pass_diffuse_color = wanted
