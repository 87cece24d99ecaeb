"""Brings the geometries of a scene, as trimesh reads it, into one frame.

A scene has geometries, and nodes that place them: a geometry that several nodes place has several instances. trimesh is only
touched here through the scene that a reader gives, so that this file costs nothing where it is not used.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serve_app.cad.formats.scene_geometry import plain_submesh
from serve_app.cad.limits import MAX_INSTANCES, MAX_MATERIALS, CadLimits
from serve_app.cad.mesh.geometry import unit_vectors
from serve_app.cad.mesh.parts import unique_names
from serve_app.cad.mesh.submesh import Submesh, compacted
from serve_app.cad.refusals import quoted, too_large

_FLAT = 1e-9
"""A transform whose smallest scale is this share of its largest leaves nothing to see."""

GeometryReader = Callable[[str, Any], Submesh]
"""Makes the submesh of a geometry, by its name and as trimesh's mesh, in the geometry's own frame.

One ``SurfaceMaterial`` is one shader: give those that look alike the same object.
"""


def scene_submeshes(
    scene: Any,
    limits: CadLimits,
    *,
    read: GeometryReader = plain_submesh,
    parts: Mapping[Hashable, str] | None = None,
    names: Mapping[Hashable, str] | None = None,
) -> list[Submesh]:
    """The submeshes of a scene: one for each node that places a mesh, in the scene's own frame, in the order of ``parts``.

    Points and lines are left out. A transform that mirrors also turns the faces round, so that their front stays outside.

    Args:
        scene: ``trimesh.Scene``.
        limits: held against the sums over all instances before any instance is made.
        read: makes a geometry's submesh; called once for each geometry that is placed.
        parts: the name of the part for each node, in the order that is wanted; by default ``part_names(scene)``.
        names: what errors call a node, where that is not its key in the scene.

    Raises:
        ValueError: a transform is not finite or flattens what it places, or a face refers to a vertex that is not there.
        ServiceError: ``cad_too_large``.
    """
    placed = placed_meshes(scene)
    if len(placed) > MAX_INSTANCES:
        too_large(f"it places {len(placed)} meshes, more than {MAX_INSTANCES}; join those that belong together")
    limits.check_faces(sum(len(scene.geometry[geometry].faces) for _, geometry in placed))
    if parts is None:
        parts = part_names(scene)
    else:
        order = {node: place for place, node in enumerate(parts)}
        placed.sort(key=lambda one: order.get(one[0], len(order)))
    transforms = world_transforms(scene)
    submeshes = {name: _compact(read(name, scene.geometry[name])) for name in dict.fromkeys(geometry for _, geometry in placed)}
    limits.check_faces(sum(len(submeshes[geometry].faces) for _, geometry in placed))
    limits.check_vertices(sum(len(submeshes[geometry].vertices) for _, geometry in placed))
    materials = len({id(submesh.material) for submesh in submeshes.values()})
    if materials > MAX_MATERIALS:
        too_large(f"it uses {materials} materials, more than {MAX_MATERIALS}; merge those that look alike")
    result = []
    for node, geometry in placed:
        what = f"node {quoted(str((names or {}).get(node, node)))}"
        result.append(transformed(replace(submeshes[geometry], part=parts.get(node, "")), transforms[node], what))
    return result


def placed_meshes(scene: Any) -> list[tuple[Hashable, str]]:
    """The nodes that place a mesh with faces, and the names of their geometries, in the scene's order."""
    found = [(node, scene.graph.transforms.node_data[node]["geometry"]) for node in scene.graph.nodes_geometry]
    return [(node, name) for node, name in found if len(getattr(scene.geometry.get(name), "faces", ()))]


def part_names(scene: Any) -> dict[Hashable, str]:
    """A name for each node that places a mesh: the node's own, told apart as ``unique_names`` does."""
    nodes = [node for node, _ in placed_meshes(scene)]
    return dict(zip(nodes, unique_names([str(node) for node in nodes]), strict=True))


def world_transforms(scene: Any) -> dict[Hashable, NDArray[np.float64]]:
    """(4, 4) from each node's frame to the scene's.

    Not by ``scene.graph.get``: it walks from each node to the root anew, which a long chain of nodes makes quadratic, and it
    rounds matrices that are nearly rotations.

    Raises:
        ValueError: the nodes form a circle.
    """
    forest, base = scene.graph.transforms, scene.graph.base_frame
    found: dict[Hashable, NDArray[np.float64]] = {base: np.eye(4)}
    for start in forest.node_data:
        chain: dict[Hashable, None] = {}
        node = start
        while node not in found and node in forest.parents:
            if node in chain:
                raise ValueError(f"its nodes form a circle, at {quoted(str(node))}")
            chain[node] = None
            node = forest.parents[node]
        found.setdefault(node, np.eye(4))
        for below in reversed(chain):
            parent = forest.parents[below]
            matrix = forest.edge_data[(parent, below)].get("matrix")
            found[below] = found[parent] if matrix is None else found[parent] @ np.asarray(matrix, dtype=np.float64)
    return found


def transformed(submesh: Submesh, transform: NDArray[np.float64], what: str) -> Submesh:
    """A submesh in another frame.

    Args:
        submesh: stays as it is.
        transform: (4, 4), affine.
        what: names the owner of the transform, for messages.

    Raises:
        ValueError: the transform is not finite, or flattens the submesh.
    """
    if not np.isfinite(transform).all():
        raise ValueError(f"{what} has a transform with NaN or infinite numbers; export it anew")
    linear = transform[:3, :3]
    if (transform == np.eye(4)).all():
        return replace(submesh)
    scales = np.linalg.svd(linear, compute_uv=False)
    if not scales[-1] > _FLAT * scales[0]:
        raise ValueError(f"{what} has a transform that flattens what it places (a scale of 0); remove the node, or give it a scale")
    faces, normals, uv = submesh.faces, submesh.corner_normals, submesh.corner_uv
    if normals is not None:
        # By the inverse's transpose: a scale that differs by axis would tilt them.
        turned = normals.reshape(-1, 3).astype(np.float64) @ np.linalg.inv(linear / scales[0])
        normals = unit_vectors(turned).reshape(normals.shape).astype(np.float32)
    if np.linalg.det(linear / scales[0]) < 0:
        faces = faces[:, ::-1]
        normals = None if normals is None else normals[:, ::-1]
        uv = None if uv is None else uv[:, ::-1]
    return replace(submesh, vertices=submesh.vertices @ linear.T + transform[:3, 3], faces=faces, corner_normals=normals, corner_uv=uv)


def _compact(submesh: Submesh) -> Submesh:
    """Without the vertices that no face uses: many geometries may share one long list of them."""
    used, faces = compacted(submesh.vertices, submesh.faces)
    if len(used) == len(submesh.vertices):
        return submesh
    colors = None if submesh.vertex_colors is None else submesh.vertex_colors[used]
    return replace(submesh, vertices=submesh.vertices[used], faces=faces, vertex_colors=colors)
