"""Renders views whose error is bounded, with a renderer of its own, and prints what ``test_bounded_views.py`` asks of them.

Run as a process of its own, since Blender wants the main thread: ``python -m tests.integration.bounded_views WHAT THREADS FOLDER``
writes ``FOLDER/WHAT.json``.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import cv2
import numpy as np
import trimesh
from numpy.typing import NDArray

from bench.quality_cads import write
from render_actor.blender import denoiser
from render_actor.blender.actor import BlenderActor
from render_actor.contract.error_bound import ErrorBound
from render_actor.contract.scene import Quality, Sampling, TemplateScene, sampling_for
from render_actor.contract.types import CadMesh, Failure, RendererOptions, ViewBatch
from render_actor.contract.view_files import BatchAnswer, RenderedView
from render_actor.view.direct_image import DirectImage, ViewDirect
from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.parse import parse_cad
from tests.integration.conftest import ROOT
from tests.integration.direct_views import direct_light
from tests.integration.left_out_views import left_out
from tests.unit.render_actor.view.test_xyz_raycast import scene_for

Image16 = NDArray[np.uint16]

CADS = ("knot.ply", "crate.obj")
SPECKLED, GLOWING = "speckled ball", "lamp"
_STOCK_SAMPLES, _MANY = 50, 512
VIEW, OTHER_VIEW = 9, 20
QUALITIES: tuple[Quality, ...] = ("standard", "draft")
ANY_ERROR = ErrorBound(median=1e6, every_view=1e6)


def speckled_ball() -> bytes:
    """A PLY whose every vertex is black or white and in or out, by chance: colours and shadows change faster than its pixels."""
    ball, chance = trimesh.creation.icosphere(subdivisions=5, radius=50.0), np.random.default_rng(3)
    ball.vertices *= chance.uniform(0.985, 1.0, (len(ball.vertices), 1))
    white = chance.integers(0, 2, (len(ball.vertices), 1), dtype=np.uint8) * np.uint8(255)
    ball.visual.vertex_colors = np.hstack([np.repeat(white, 3, axis=1), np.full_like(white, 255)])
    return cast(bytes, ball.export(file_type="ply"))


class Renderer:
    """A renderer as the server starts one, with some CADs loaded."""

    def __init__(self, threads: int) -> None:
        self._actor = BlenderActor("test", RendererOptions(threads=threads), os.getpid())
        report = self._actor.warm_up()
        assert not isinstance(report, Failure), report
        assert self._actor._scene is not None
        self.scene = self._actor._scene
        self._meshes: dict[str, CadMesh] = {}
        limits = CadLimits.from_settings(Settings())
        for cad in CADS:
            path = ROOT / "examples" / cad
            self.add(cad, parse_cad(path.read_bytes(), path.suffix, path.parent, limits).mesh)
        self.add(SPECKLED, parse_cad(speckled_ball(), ".ply", ROOT, limits).mesh)

    def load(self, cad: str) -> None:
        """Load a CAD, anew where it is loaded."""
        mesh = self._meshes[cad]
        if mesh.key in self.scene.meshes:
            self.scene.meshes.drop(mesh.key)
        self.scene.meshes.load(mesh)

    def add(self, cad: str, mesh: CadMesh) -> None:
        """Load one more CAD."""
        self._meshes[cad] = mesh
        self.load(cad)

    def template_scene(self, cad: str, sampling: Sampling) -> TemplateScene:
        """The scene of a request."""
        return cast(TemplateScene, scene_for(self._meshes[cad].vertices, sampling=sampling))

    def answer(
        self, cad: str, view: int, sampling: Sampling, time_limit_sec: float = 300.0, scene: TemplateScene | None = None
    ) -> RenderedView | Failure:
        """The view, or why it failed."""
        scene = scene or self.template_scene(cad, sampling)
        batch = ViewBatch("job", self._meshes[cad].key, None, scene, (view,), time_limit_sec=time_limit_sec)
        answer = next(self._actor.render(batch))  # Of a single view there is one.
        assert isinstance(answer, BatchAnswer) and answer.result is not None
        return answer.result.failure or answer.views[0]

    def told(self, cad: str, view: int, sampling: Sampling, scene: TemplateScene | None = None) -> dict[str, Any]:
        """The hash of a view's files, and its quality."""
        done = self.answer(cad, view, sampling, scene=scene)
        assert isinstance(done, RenderedView), done
        return {"files": [file.sha256 for file in done.files], **dataclasses.asdict(done.quality)}


def fresh(renderer: Renderer) -> dict[str, Any]:
    """Views of a process that has rendered little else."""
    return {quality: renderer.told(CADS[0], VIEW, sampling_for(quality)) for quality in QUALITIES}


def repeated(renderer: Renderer) -> dict[str, Any]:
    """The same views after other work."""
    cad, other_cad = CADS

    def after(quality: Quality) -> dict[str, Any]:
        sampling = sampling_for(quality)
        other_quality: Quality = "draft" if quality == "standard" else "standard"
        other_work: dict[str, Callable[[], object]] = {
            "nothing": lambda: None,
            "itself": lambda: None,
            "another view": lambda: renderer.told(cad, OTHER_VIEW, sampling),
            "another quality": lambda: renderer.told(cad, VIEW, sampling_for(other_quality)),
            "another cap": lambda: renderer.told(cad, VIEW, sampling_for(quality, max_samples=1024)),
            "exact samples": lambda: renderer.told(cad, VIEW, sampling_for(quality, 3)),
            "the stock sampling": lambda: renderer.told(cad, VIEW, sampling_for("reference", 4)),
            "another CAD": lambda: renderer.told(other_cad, VIEW, sampling),
            "being loaded anew": lambda: renderer.load(cad),
        }
        found = {}
        for name, work in other_work.items():
            work()
            found[name] = renderer.told(cad, VIEW, sampling)
        return found

    return {quality: after(quality) for quality in QUALITIES}


def lamp_lit(renderer: Renderer) -> dict[str, Any]:
    """A view that is hard for the stock procedure, with the lamp's light by rays and without, and how often they were cast."""
    pictures = list[DirectImage | None]()
    by_rays = ViewDirect.image

    def counted(self: ViewDirect, *givens: Any) -> DirectImage | None:
        pictures.append(by_rays(self, *givens))
        return pictures[-1]

    sampling = sampling_for("standard")
    with patch.object(renderer.scene, "_guide", lambda *_: None):  # It goes first where it is enough.
        with patch.object(ViewDirect, "image", counted):
            known = renderer.told(SPECKLED, VIEW, sampling)
            asked = len(pictures)
            renderer.told(CADS[0], OTHER_VIEW, sampling_for("reference", 2))
            again = renderer.told(SPECKLED, VIEW, sampling)
        with patch.object(renderer.scene, "_direct", lambda *_: None):
            sampled = renderer.told(SPECKLED, VIEW, sampling)
    return {"asked": asked, "known": known, "again": again, "sampled": sampled}


def lamp_error(renderer: Renderer) -> dict[str, float]:
    """The true error of that view, of 255, and of one with as many samples and as careful a denoiser as the stock procedure has."""
    sampling = sampling_for("standard", max_samples=4 * _MANY)  # Cycles takes no samples beyond its cap.
    renderer.told(SPECKLED, VIEW, sampling)  # Has the camera, the light and the border where they belong.
    scene, blender = renderer.template_scene(SPECKLED, sampling), renderer.scene
    left, top, right, bottom = blender._bounds(scene, VIEW)
    mask = blender.mask_and_xyz(scene, VIEW)[0][top:bottom, left:right]
    bounded, direct = blender._bounded, blender._direct(scene, VIEW, math.inf)
    image, _ = bounded.image(mask, sampling, None, direct=direct)
    few = bounded._sample(0, _STOCK_SAMPLES, math.inf)
    as_stock = bounded._display.shown(bounded._denoiser.denoise_through_glass(few.color, few.albedo))
    # Others than those; the noise of two that know nothing of each other cancels out.
    one, two = (bounded._display.shown(bounded._sample(first, _MANY, math.inf).color)[mask] / 257.0 for first in (_MANY, 2 * _MANY))

    def error(shown: Image16) -> float:
        return float(np.sqrt(((shown[mask] / 257.0 - one) * (shown[mask] / 257.0 - two)).mean()))

    return {"known": error(image), "as_stock": error(as_stock)}


def glowing(renderer: Renderer) -> dict[str, Any]:
    """A CAD with a lamp of its own beside one without: their files in turn, and how far apart samples of it are, of 255."""
    folder = Path(tempfile.mkdtemp())
    path = write("lamp", folder)
    renderer.add(GLOWING, parse_cad(path.read_bytes(), path.suffix, path.parent, CadLimits.from_settings(Settings())).mesh)
    sampling, cycles = sampling_for("standard"), renderer.scene._scene.cycles
    found: dict[str, Any] = {"files": [], "tree": [], "apart": {}}
    for cad in (CADS[0], GLOWING, CADS[0], GLOWING):
        found["files"].append(renderer.told(cad, VIEW, sampling))
        found["tree"].append(cycles.use_light_tree)
    bounded = renderer.scene._bounded
    for tree in (True, False):
        cycles.use_light_tree = tree
        one, other = (bounded._display.shown(bounded._sample(first, 16, math.inf).color) / 257.0 for first in (0, 16))
        found["apart"][str(tree)] = float(np.sqrt(np.square(one - other).mean()))
    renderer.told(GLOWING, VIEW, sampling_for("reference", 2))
    found["tree"].append(cycles.use_light_tree)
    return found


def failing(renderer: Renderer) -> dict[str, Any]:
    """A view while the denoiser's library refuses what it is told, and the next one."""
    sampling = sampling_for("standard")
    before = renderer.told(CADS[0], VIEW, sampling)
    works, denoiser._FAST = denoiser._FAST, 12345
    failure = renderer.answer(CADS[0], VIEW, sampling)
    denoiser._FAST = works
    assert isinstance(failure, Failure)
    return {"before": before, "failure": dataclasses.asdict(failure), "after": renderer.told(CADS[0], VIEW, sampling)}


def slow(renderer: Renderer) -> dict[str, Any]:
    """A view that needs all the samples that it may take, for which its time is too short, and the next one."""
    sampling, bound = sampling_for("standard"), ErrorBound(median=1e-6, every_view=1e-6)
    before = renderer.told(CADS[0], VIEW, sampling)
    endless = dataclasses.replace(sampling, bound=bound, max_samples=4096)
    failure = renderer.answer(CADS[0], VIEW, endless, time_limit_sec=0.2)
    assert isinstance(failure, Failure)
    patient = renderer.told(CADS[0], VIEW, endless)
    return {"before": before, "failure": dataclasses.asdict(failure), "patient": patient, "after": renderer.told(CADS[0], VIEW, sampling)}


def likeness(renderer: Renderer) -> dict[str, Any]:
    """How far our denoiser and our display are from Blender's own, of 255."""
    # Blender's modules can only be imported where a renderer has started it.
    from render_actor.blender.bounded_render import BoundedRender
    from render_actor.blender.display import Display
    from render_actor.blender.sampling import apply_sampling, next_samples
    from render_actor.blender.session import TEMPORARY_FOLDER, bpy
    from render_actor.view.exr import read_exr

    once = Sampling(samples=1, denoiser="none")
    bounded, display = BoundedRender(), Display(TEMPORARY_FOLDER / "ramp.png")

    def saved_by_blender(samples: int, *, denoise: bool) -> Image16:
        """The first samples of the pattern of which samples are taken in parts, as Cycles denoises and Blender shows them."""
        bpy.context.scene.cycles.use_denoising = bpy.context.view_layer.cycles.use_denoising = denoise
        settings = bpy.context.scene.render.image_settings
        settings.file_format, settings.color_mode, settings.color_depth, settings.compression = "PNG", "RGB", "16", 0
        path = TEMPORARY_FOLDER / "blender.png"
        render(samples, path)
        return cast(Image16, cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., ::-1])

    def render(samples: int, path: Path) -> None:
        next_samples(0, samples)
        bpy.context.scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True)

    def difference(one: Image16, other: Image16) -> dict[str, float]:
        apart = np.abs(one.astype(np.float64) - other) / 257.0
        return {"mean": float(apart.mean()), "most": float(np.percentile(apart, 99.9)), "largest": float(apart.max())}

    found: dict[str, Any] = {"denoised": [], "shown": []}
    for cad in CADS:
        scene = renderer.template_scene(cad, once)
        renderer.answer(cad, VIEW, once)  # Has the camera, the light and the border where they belong.
        for samples in (4, 16):
            sampling = dataclasses.replace(sampling_for("standard"), samples=samples, bound=ANY_ERROR)
            apply_sampling(sampling)
            theirs = saved_by_blender(samples, denoise=True)
            apply_sampling(sampling)
            ours, quality = bounded.image(np.ones(theirs.shape[:2], dtype=bool), sampling, None)
            assert quality.samples == samples
            noisy = saved_by_blender(samples, denoise=False)
            found["denoised"].append({**difference(ours, theirs), "noise": difference(noisy, theirs)["mean"]})
        apply_sampling(sampling)
        path = TEMPORARY_FOLDER / "linear.exr"
        render(2, path)
        linear = read_exr(path).vectors("Combined", "RGB")
        found["shown"].append(difference(display.shown(linear), saved_by_blender(2, denoise=False)))
        apply_sampling(scene.sampling)
    ramp = np.linspace(0, 20, 2000, dtype=np.float32)
    found["ramp"] = display.shown(np.repeat(ramp[None, :, None], 3, axis=-1))[0].tolist()
    found["tone"] = display.tone_curve()(ramp).tolist()
    return found


if __name__ == "__main__":
    names, threads, folder = sys.argv[1].split(","), int(sys.argv[2]), Path(sys.argv[3])
    told = {
        what.__name__: what for what in (fresh, repeated, failing, slow, glowing, lamp_lit, lamp_error, direct_light, left_out, likeness)
    }
    try:
        the_renderer = Renderer(threads)
        for name in names:
            (folder / f"{name}.json").write_text(json.dumps(told[name](the_renderer)))
    except BaseException:
        traceback.print_exc()
        os._exit(1)  # Blender hangs or crashes when its interpreter ends in order.
    os._exit(0)
