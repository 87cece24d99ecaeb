"""The light that a surface reflects once, in all directions, by our own rays: one to the surface, and on to the lamp or out to the world.

It is most of the light in a template, and nearly all of its noise: outlines, edges, prints and shadows. What Cycles' samples say of it is
exchanged for what many cheap rays say, see ``direct_image``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.scene import LIGHT_ENERGY, LIGHT_RADIUS, WORLD_GREY, TemplateScene
from render_actor.contract.types import CadMesh
from render_actor.view.reflectance import POWERS, matt_part
from render_actor.view.shadow_terminator import lift, lifted_part
from render_actor.view.surface_guide import SurfaceGuide

_OFF_SURFACE = 2e-6
"""Of the mesh's size: so far before the surface a ray to the lamp begins, or it would meet the surface itself."""

_SAME_PLACE, _SAME_PLANE, _OFF_EDGES = 3.0, 0.9999, 0.01
"""Times that, and the cosine, up to which faces lie in one another; and the part of a face at its edges, where a ray may meet the next."""

_KNOWN_SLOTS = frozenset({"base_color"})
"""Textures of other kinds change how a surface reflects, or let it shine on others, in a way that the rays do not follow."""

_GREY_LAYER = 0.5, 0.5
"""How specular and how rough a surface is that Blender gives no look."""

_WHITE = LIGHT_ENERGY / (4 * math.pi**2)
"""What a white surface at distance 1 that looks at the lamp reflects."""


@dataclass(frozen=True)
class Lit:
    """What some rays from the camera meet.

    Attributes:
        hit: (N,) indices of the rays that meet the surface.
        lamp: (N, 3) linear RGB of the lamp's light that comes back; 0 in the shadow.
        world: (N, 3) the same of the world's, if all of it reached the surface.
        open: (N,) 1 where a ray on in any direction, the likelier the less it slants, meets nothing and so sees the world, else 0.
        shadow: (N,) what a ray to the lamp has met: 1 the surface, -1 nothing; 0 where none was cast.
        doubled: (N,) whether another face lies in the one that is met. In Cycles they shade each other in spots, by its rounding.
    """

    hit: NDArray[np.int64]
    lamp: NDArray[np.float32]
    world: NDArray[np.float32]
    open: NDArray[np.float32]
    shadow: NDArray[np.int8]
    doubled: NDArray[np.bool_]


class DirectLight:
    """The direct light of one mesh in one view.

    Args:
        guide: knows the mesh and its base colours.
        scene: gives camera and lamp.
        view: index of the camera.
        grey: whether one grey replaces the mesh's own look.
    """

    def __init__(self, guide: SurfaceGuide, scene: TemplateScene, view: int, *, grey: bool) -> None:
        self._guide, self._mesh, self._coordinates = guide, guide.mesh, guide.coordinates
        to_cad = np.linalg.inv(scene.object_to_scene)
        self._centre = scene.camera_in_cad(view)[1]
        lamp = to_cad[:3, :3] @ scene.light_position(view) + to_cad[:3, 3]
        self._lamp = (lamp - self._coordinates.middle).astype(np.float32)
        self._scale = np.float32(np.linalg.norm(scene.object_to_scene[:3, 0]))
        self._radius = np.float32(LIGHT_RADIUS) / self._scale
        self._grey = grey

    @staticmethod
    def knows(mesh: CadMesh) -> bool:
        """Whether rays tell the direct light of a mesh in its own look; beside that, ``SurfaceGuide.knows`` must be true."""
        return all(not any(material.emission) and set(material.textures) <= _KNOWN_SLOTS for material in mesh.materials)

    @cached_property
    def _reflected(self) -> NDArray[np.float32]:
        """(materials, powers) factors of what of a base colour comes back."""
        if self._grey:
            return np.tile(matt_part(*_GREY_LAYER), (len(self._mesh.materials), 1))
        return np.stack([matt_part(material.specular, material.roughness) * (1 - material.metallic) for material in self._mesh.materials])

    @cached_property
    def _vertices(self) -> NDArray[np.float32]:
        return self._coordinates.vertices.astype(np.float32)

    @cached_property
    def _off(self) -> np.float32:
        return np.float32(_OFF_SURFACE * np.abs(self._vertices).max())

    def along(
        self,
        directions: NDArray[np.float32],
        disk: NDArray[np.float32],
        sky: NDArray[np.float32] | None = None,
        shadow: NDArray[np.int8] | None = None,
    ) -> Lit:
        """What rays from the camera meet.

        Args:
            directions: (R, 3) in the CAD's axes.
            disk: (R, 2) places on the lamp, uniform in 0..1.
            sky: (R, 2) uniform in 0..1, of the directions in which the world may be seen; None to take it as seen, and no face as doubled.
            shadow: (R,) what is known of it, as ``Lit`` tells it; None where nothing is.
        """
        found = self._coordinates.hits(self._centre, directions)
        hit = np.nonzero(found["primID"] >= 0)[0]
        faces, u, v = (found[name][hit] for name in ("primID", "u", "v"))
        weights = np.stack([1 - u - v, u, v], axis=-1)
        back = _unit(-directions[hit])
        corners = self._mesh.faces[faces]
        place = np.einsum("rk,rkc->rc", weights, self._vertices[corners])
        flat = self._guide.flat[faces]
        flat = flat * np.sign(_dot(flat, back))[:, None]
        normal = flat
        if self._mesh.corner_normals is not None:
            normal = _unit(np.einsum("rk,rkc->rc", weights, self._mesh.corner_normals[faces]))
            normal = normal * np.sign(_dot(self._guide.flat[faces], back))[:, None]
        to_lamp = self._on_lamp(self._lamp - place, disk[hit])
        squared = _dot(to_lamp, to_lamp)
        cosine = _dot(normal, to_lamp) / np.sqrt(squared)
        strength = np.maximum(cosine, np.float32(0)) / (squared * self._scale**2)
        before = place + flat * self._off
        seen, doubled = np.ones(len(hit), bool), np.zeros(len(hit), bool)
        if sky is not None:
            out = _scattered(normal, sky[hit])
            seen, doubled = ~self._coordinates.blocked(before, out), self._doubled(place, out, faces)
        expected = np.zeros(len(hit), np.int8) if shadow is None else shadow[hit]
        asked = np.nonzero((strength > 0) & (expected == 0))[0]
        met = np.zeros(len(hit), np.int8)
        met[asked] = self._met(before[asked], to_lamp[asked], faces[asked], normal[asked], flat[asked], cosine[asked], weights[asked])
        strength[(met == 1) | (expected == 1)] = 0
        factors, rest = self._reflected[self._mesh.face_materials[faces]], 1 - np.clip(_dot(normal, back), 0, 1)
        matt = np.asarray(sum(factors[:, index] * rest**power for index, power in enumerate(POWERS)))
        comes_back = self._guide.base.at(faces, weights) * matt[:, None]
        lamp = comes_back * (np.float32(_WHITE) * strength)[:, None]
        return Lit(hit, lamp, comes_back * np.float32(WORLD_GREY), seen.astype(np.float32), met, doubled)

    def _on_lamp(self, middle: NDArray[np.float32], disk: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 3) to a place on the lamp, which is a disk that looks here; ``middle`` is (N, 3) the way to its middle."""
        first, second = _across(_unit(middle))
        x, y = _in_disk(disk) * self._radius
        return np.asarray(middle + x[:, None] * first + y[:, None] * second)

    def _lift(self, faces: NDArray[np.int64], normal: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 3) by which a ray to the lamp begins off the face; ``normal`` is the shading normal on the side that is seen."""
        assert self._mesh.corner_normals is not None
        normals = self._mesh.corner_normals[faces]
        seen = np.sign(np.einsum("rk,rkc,rc->r", weights, normals, normal))
        return lift(self._vertices[self._mesh.faces[faces]], normals * seen[:, None, None], weights)

    def _doubled(self, place: NDArray[np.float32], way: NDArray[np.float32], faces: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(N,) whether another face in the same plane is met at places on faces; ``way`` (N, 3) are unit directions there.

        Of faces at the same distance, rounding says which is met: along the ways from the camera, and along these.
        """
        found, flat = self._coordinates.nearest(place - way * self._off, way), self._guide.flat
        met, inside = found["primID"], np.minimum(np.minimum(found["u"], found["v"]), 1 - found["u"] - found["v"])
        other = (met != faces) & (met >= 0) & (found["tfar"] < _SAME_PLACE * self._off) & (inside > _OFF_EDGES)
        return np.asarray(other & (np.abs(_dot(flat[met], flat[faces])) > _SAME_PLANE))

    def _met(
        self,
        places: NDArray[np.float32],
        ways: NDArray[np.float32],
        faces: NDArray[np.int64],
        normal: NDArray[np.float32],
        flat: NDArray[np.float32],
        cosine: NDArray[np.float32],
        weights: NDArray[np.float32],
    ) -> NDArray[np.int8]:
        """(N,) what rays from places on the mesh to the lamp meet, as ``Lit.shadow``; the lamp is above all of them."""
        if self._mesh.corner_normals is not None:
            lifted = lifted_part(cosine, _dot(flat, _unit(ways)))
            low = np.nonzero(lifted > 0)[0]
            places[low] += lifted[low, None] * self._lift(faces[low], normal[low], weights[low])
        return np.where(self._coordinates.blocked(places, ways), np.int8(1), np.int8(-1))


def _scattered(normal: NDArray[np.float32], uniform: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 3) unit directions as a matt surface scatters light: their density is the cosine."""
    first, second = _across(normal)
    x, y = _in_disk(uniform)
    return np.asarray(x[:, None] * first + y[:, None] * second + np.sqrt(1 - uniform[:, :1]) * normal)


def _in_disk(uniform: NDArray[np.float32]) -> NDArray[np.float32]:
    """(2, N) places in the unit disk, uniform as ``uniform`` (N, 2) is in the unit square."""
    radius, angle = np.sqrt(uniform[:, 0]), np.float32(2 * np.pi) * uniform[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)])


def _across(axis: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Two (N, 3) unit vectors that stand on unit vectors (N, 3), and on each other."""
    # A basis without branches: Duff et al., "Building an Orthonormal Basis, Revisited", JCGT 2017.
    sign = np.where(axis[:, 2] >= 0, np.float32(1), np.float32(-1))
    a = -1 / (sign + axis[:, 2])
    b = axis[:, 0] * axis[:, 1] * a
    first = np.stack([1 + sign * axis[:, 0] ** 2 * a, sign * b, -sign * axis[:, 0]], axis=-1)
    return first, np.stack([b, sign + axis[:, 1] ** 2 * a, -axis[:, 1]], axis=-1)


def _dot(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.einsum("rc,rc->r", a, b))


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.maximum(np.sqrt(_dot(vectors, vectors)), np.float32(1e-30))[:, None])
