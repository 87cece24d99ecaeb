"""What travels between the ingress and a renderer: plain, serialisable values that know neither HTTP nor Blender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.device import RenderDevice
from render_actor.contract.file_kinds import TEMPLATE, WantedFiles
from render_actor.contract.known_image import KnownImage
from render_actor.contract.scene import TemplateScene

TextureSlot = Literal["base_color", "roughness", "specular", "emission", "alpha", "bump", "metallic_roughness", "normal"]
"""The inputs of a surface that an image may drive.

``metallic_roughness`` is one image for both: roughness in its green, metallic in its blue, each times the material's own number. It and
``normal``, a tangent space normal map, are numbers as they are stored. All others are read as sRGB, ``bump`` and ``roughness`` too, as
Blender's importers of the older formats have it.
"""

DATA_SLOTS: tuple[TextureSlot, ...] = ("metallic_roughness", "normal")
"""Slots whose images hold numbers, not colours."""

Wrap = Literal["repeat", "clamp", "mirror"]
"""What an image shows beyond its edges."""

RendererState = Literal["starting", "ready", "busy", "failed", "lost", "stopped"]
"""Of a renderer, as the service and its operator see it."""

FailureCode = Literal[
    "renderer_start_failed",
    "renderer_lost",
    "out_of_memory",
    "view_blank",
    "view_clipped",
    "camera_inside_object",
    "view_too_slow",
    "render_failed",
    "output_not_writable",
    "storage_full",
]


@dataclass(frozen=True)
class SurfaceMaterial:
    """Appearance of a part of the mesh.

    Attributes:
        name: as the CAD file calls it.
        base_color: linear RGB, 0..1.
        alpha: opacity, 0..1.
        roughness: 0 (mirror) .. 1.
        specular: Principled's specular level, 0..1 (0.5 is common plastic).
        emission: linear RGB of light given off; black for none.
        textures: index into ``CadMesh.textures`` for each slot that an image drives.
        bump_strength: of the normal map in slot ``bump`` or ``normal``.
        metallic: 0 (dielectric) .. 1 (metal).
        multiplied: base colour, base colour texture and vertex colours multiply each other, and so do emission, alpha and their
            textures, as glTF has it; otherwise a texture goes before the vertex colours, and these before the base colour.
        alpha_cutoff: where alpha is below it nothing is seen, elsewhere the surface is opaque; None for alpha as it is.
        unlit: the base colour is seen as it is, given off as light, whatever the lamps do.
        wrap: of all its images.
    """

    name: str = "default"
    base_color: tuple[float, float, float] = (0.8, 0.8, 0.8)
    alpha: float = 1.0
    roughness: float = 0.5
    specular: float = 0.5
    emission: tuple[float, float, float] = (0.0, 0.0, 0.0)
    textures: dict[TextureSlot, int] = field(default_factory=dict)
    bump_strength: float = 1.0
    metallic: float = 0.0
    multiplied: bool = False
    alpha_cutoff: float | None = None
    unlit: bool = False
    wrap: Wrap = "repeat"


@dataclass(frozen=True)
class CadMesh:
    """A CAD as arrays, in the file's own frame and unit.

    Attributes:
        key: SHA-256 of the CAD and of every file it pulled in; equal keys are equal meshes.
        vertices: (V, 3) float64.
        faces: (F, 3) int32 indices into ``vertices``.
        corner_normals: (F, 3, 3) float32 unit normals of each face corner, or None for flat shading.
        vertex_colors: (V, 4) uint8 sRGB with alpha, or None.
        corner_uv: (F, 3, 2) float32, origin at the lower left of the image, or None.
        face_materials: (F,) int32 indices into ``materials``.
        materials: at least one.
        textures: decoded images, each (H, W, 4) uint8, first row on top; sRGB, or numbers, as the slots say that they drive.
    """

    key: str
    vertices: NDArray[np.float64]
    faces: NDArray[np.int32]
    corner_normals: NDArray[np.float32] | None
    vertex_colors: NDArray[np.uint8] | None
    corner_uv: NDArray[np.float32] | None
    face_materials: NDArray[np.int32]
    materials: tuple[SurfaceMaterial, ...]
    textures: tuple[NDArray[np.uint8], ...]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays together."""
        arrays: list[NDArray[Any]] = [self.vertices, self.faces, self.face_materials, *self.textures]
        arrays += [a for a in (self.corner_normals, self.vertex_colors, self.corner_uv) if a is not None]
        return sum(array.nbytes for array in arrays)


@dataclass(frozen=True)
class RendererOptions:
    """How a renderer is set up, fixed for its life.

    Attributes:
        num_cpus: CPUs that Ray books for the Blender process.
        num_gpus: GPUs (or a fraction of one) that Ray gives it; 0 renders on the CPU.
        threads: Cycles' CPU threads; each renderer is pinned to this many cores of its own.
        warm_meshes: how many CADs one Blender keeps loaded.
        start_timeout_sec: a Blender that has not rendered its first pixel within this time is killed.
        recycle_after_jobs: a Blender that has worked for this many jobs is replaced by a fresh one.
        memory_bytes: a Blender that takes more is killed; one that takes more than half is replaced between two batches.
        device: what it renders on; ``auto`` is the GPU that Ray gives it, or the CPU where ``num_gpus`` is 0.
    """

    num_cpus: float = 0.4
    num_gpus: float = 0.0
    threads: int = 1
    warm_meshes: int = 6
    start_timeout_sec: float = 180.0
    recycle_after_jobs: int = 500
    memory_bytes: int = 8 * 1024**3
    device: RenderDevice = "auto"


@dataclass(frozen=True)
class ViewHints:
    """What a request asks for, so that an error does not advise what the request does already. It changes no pixel.

    Attributes:
        normalize: the CAD is scaled to the cameras.
        recenter: the middle of the CAD is at the scene's origin.
        own_cameras: the cameras are the caller's own list (``camera_poses_path``), not one of the fixed levels.
        own_distance: the field with the cameras' real distance, where the CAD keeps its real size; empty where it does not.
        own_intrinsics: the pinhole matrix is the caller's own (``camera.K``).
    """

    normalize: bool = True
    recenter: bool = False
    own_cameras: bool = False
    own_distance: str = ""
    own_intrinsics: bool = False


@dataclass(frozen=True)
class Sink:
    """A folder of one job that its renderers write their files into, under names that no other attempt has.

    Attributes:
        folder: absolute path, as the service's machine sees it.
        nonce: what its probe file holds; a renderer that reads something else there sees another folder.
        quoted: the output folder as the client named it, for messages.
        required: whether a renderer that cannot write there fails; otherwise its files travel through Ray's object store.
    """

    folder: str
    nonce: str
    quoted: str
    required: bool = False


@dataclass(frozen=True)
class ViewBatch:
    """Some views of one job for one renderer.

    Attributes:
        job_id: of the job; for logs, and to count a Blender's jobs.
        mesh_key: ``CadMesh.key``; a renderer that has the mesh loaded does not fetch it.
        mesh: Ray object reference to a ``CadMesh``. It is nested here so that only the Blender process fetches it.
        scene: what to render.
        views: indices into ``scene.camera_poses``.
        fence: number of this attempt; see ``render_actor.contract.fence``.
        time_limit_sec: a renderer that takes longer for its answer counts as hung, and its Blender is killed.
        hints: for the messages of failed views.
        max_slowdown: how many times a normal view a view may take; see ``render_actor.contract.view_time``.
        sink: where the files go; None sends them through Ray's object store.
        wanted: the files that are made of each view.
        images: of views by index, where they are known: these are not rendered again, and only their rays are cast.
        together_sec: views that are made within this time are told together.
    """

    job_id: str
    mesh_key: str
    mesh: Any
    scene: TemplateScene
    views: tuple[int, ...]
    fence: int = 0
    time_limit_sec: float = 300.0
    hints: ViewHints = ViewHints()
    max_slowdown: float = 60.0
    sink: Sink | None = None
    wanted: WantedFiles = TEMPLATE
    images: Mapping[int, KnownImage] = field(default_factory=dict)
    together_sec: float = 0.25


@dataclass(frozen=True)
class Failure:
    """Why a batch, or a renderer's start, failed.

    Attributes:
        code: machine-readable reason.
        message: one sentence for a client: what happened and what to do. It names nothing of the machine.
        field: the request field to change, if there is one.
        cause: for the logs: what Blender, Python or Ray said, unchanged.
    """

    code: FailureCode
    message: str
    field: str | None = None
    cause: str = ""

    @property
    def worth_retrying(self) -> bool:
        """Whether another renderer may succeed: the failure is the renderer's, not the request's."""
        return self.code in ("renderer_lost", "renderer_start_failed")


@dataclass(frozen=True)
class BlenderReport:
    """What a Blender says of itself once it has rendered a first view.

    Attributes:
        device: for example ``CPU``, ``OPTIX: NVIDIA H200``.
        pid: process id.
        cores: the CPU cores it is pinned to.
        versions: of Blender, BlenderProc and what else shapes the images.
        start_seconds: from the process's start until it was warm.
    """

    device: str
    pid: int
    cores: tuple[int, ...]
    versions: dict[str, str]
    start_seconds: float


@dataclass(frozen=True)
class BatchResult:
    """How a renderer ended a ``ViewBatch``; its views were told before, one by one.

    Attributes:
        renderer: id of the renderer that did it.
        failure: why it failed, or None when every view was told.
        mesh_seconds: seconds spent on getting the mesh into Blender; 0 when it was warm.
        seconds: wall seconds of the views, without loading the mesh.
        printed: what Blender wrote to its standard output and error meanwhile.
        sink_refused: why files did not go into the sink, or empty.
    """

    renderer: str
    failure: Failure | None = None
    mesh_seconds: float = 0.0
    seconds: float = 0.0
    printed: str = ""
    sink_refused: str = ""


@dataclass(frozen=True)
class RendererStatus:
    """State of one renderer for ``/api/v1/status``.

    Attributes:
        renderer: its id.
        state: ``starting``, ``ready``, ``busy`` or ``failed``; ``lost`` where it is silent for long, ``stopped`` once it is told to end.
        node: Ray node id.
        memory_bytes: resident memory of the Blender process, or None where it is not known.
        report: of the Blender, or None while it starts.
        failure: why it could not start, or None.
        restarts: how many Blenders were replaced because they were lost, killed or could not start.
        recycled: how many Blenders were replaced because they had worked long enough.
        address: IP address of its node.
    """

    renderer: str
    state: RendererState
    node: str
    memory_bytes: int | None
    report: BlenderReport | None
    failure: Failure | None
    restarts: int
    recycled: int = 0
    address: str = ""
