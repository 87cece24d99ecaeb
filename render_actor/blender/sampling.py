"""Makes Cycles sample and denoise as a ``Sampling`` says."""

from __future__ import annotations

from render_actor.blender.session import RendererUtility, bpy
from render_actor.contract.scene import Sampling


def apply_sampling(sampling: Sampling) -> None:
    """Set Blender's one scene up for a sampling, whatever it was set up for before."""
    scene = bpy.context.scene
    _denoise_in_compositor(sampling.denoiser == "compositor")
    cycles = scene.cycles
    cycles.samples = sampling.samples
    cycles.use_adaptive_sampling = sampling.adaptive_threshold is not None
    cycles.adaptive_threshold = sampling.adaptive_threshold or 0.0
    cycles.adaptive_min_samples = sampling.adaptive_min_samples
    cycles.use_denoising = bpy.context.view_layer.cycles.use_denoising = sampling.denoiser == "cycles"
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.denoising_use_gpu = cycles.device == "GPU"
    cycles.denoising_input_passes = "RGB_ALBEDO" if sampling.guides else "RGB"
    cycles.denoising_prefilter = "NONE"
    cycles.denoising_quality = "FAST"  # Half the time of BALANCED, for a few samples more.
    scene.render.image_settings.color_depth = "16" if sampling.dither else "8"
    # Cycles keeps its sample pattern with the persistent data: after a render with more samples, an equal request would
    # get other noise. Switching it off and on drops the pattern.
    scene.render.use_persistent_data = False
    scene.render.use_persistent_data = True


def _denoise_in_compositor(wanted: bool) -> None:
    """Switch the stock procedure's denoiser on, or off with everything that BlenderProc leaves switched on for it."""
    RendererUtility.set_denoiser("INTEL" if wanted else None)
    scene, layer = bpy.context.scene, bpy.context.view_layer
    scene.use_nodes = scene.render.use_compositing = wanted
    layer.use_pass_normal = layer.use_pass_diffuse_color = wanted
