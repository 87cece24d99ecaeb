"""A scene's geometries come into one frame, and nothing of them is lost on the way."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import trimesh

from serve_app.base.errors import ServiceError
from serve_app.cad.formats.scene_graph import scene_submeshes, transformed, world_transforms
from serve_app.cad.limits import CadLimits
from serve_app.cad.mesh.submesh import Submesh
from tests.unit.serve_app.cad.written import LIMITS


def box(**looks: object) -> trimesh.Trimesh:
    shape = trimesh.creation.box((2, 4, 6))
    return trimesh.Trimesh(shape.vertices, shape.faces, process=False, **looks)


def two_boxes() -> trimesh.Scene:
    scene = trimesh.Scene()
    mesh = box(vertex_normals=box().vertex_normals, vertex_colors=np.tile([10, 20, 30, 255], (8, 1)))
    scene.add_geometry(mesh, node_name="lid", geom_name="box")
    turned = trimesh.transformations.rotation_matrix(0.7, (1, 2, 3), (4, 5, 6))
    scene.graph.update("lid 2", "lid", matrix=turned, geometry="box")
    return scene


def volume(submesh: Submesh) -> float:
    return float(trimesh.Trimesh(submesh.vertices, submesh.faces, process=False).volume)


def test_instances_are_placed_by_all_transforms_above_them() -> None:
    scene = two_boxes()
    scene.graph.update("lid", matrix=trimesh.transformations.translation_matrix((7, 0, 0)), geometry="box")
    submeshes = scene_submeshes(scene, LIMITS)
    expected = [trimesh.transform_points(box().vertices, scene.graph.get(node)[0]) for node in ("lid", "lid 2")]
    assert [submesh.part for submesh in submeshes] == ["lid", "lid 2"]
    for submesh, vertices in zip(submeshes, expected, strict=True):
        np.testing.assert_allclose(submesh.vertices, vertices, atol=1e-9)
        assert submesh.vertex_colors is not None
        assert (submesh.vertex_colors == (10, 20, 30, 255)).all()


@pytest.mark.parametrize("scale", [(-1, 1, 1), (-1, -1, -1), (2, 3, -0.5), (1, 5, 1)])
def test_what_is_mirrored_or_stretched_keeps_its_outside_and_its_normals(scale: tuple[float, float, float]) -> None:
    sphere = trimesh.creation.icosphere(4)
    normals = sphere.vertex_normals.copy()
    scene = trimesh.Scene()
    scene.add_geometry(trimesh.Trimesh(sphere.vertices, sphere.faces, vertex_normals=normals, process=False), node_name="ball")
    scene.graph.update("ball", matrix=np.diag([*scale, 1.0]), geometry=next(iter(scene.geometry)))
    (submesh,) = scene_submeshes(scene, LIMITS)
    assert volume(submesh) == pytest.approx(abs(np.prod(scale)) * sphere.volume)
    assert submesh.corner_normals is not None
    cosines = (submesh.corner_normals * submesh.flat_normals()).sum(axis=2)
    assert cosines.min() > 0.9


def test_face_colours_stay_with_their_faces() -> None:
    mesh = box()
    mesh.visual.face_colors = [[20 * face, 0, 0, 255] for face in range(12)]
    (submesh,) = scene_submeshes(trimesh.Scene(mesh), LIMITS)
    assert submesh.vertex_colors is not None
    assert (submesh.vertex_colors[submesh.faces][:, :, 0] == 20 * np.arange(12)[:, None]).all()
    np.testing.assert_allclose(submesh.vertices[submesh.faces], mesh.vertices[mesh.faces])


def test_normals_are_only_those_of_the_file() -> None:
    (submesh,) = scene_submeshes(trimesh.Scene(box()), LIMITS)
    assert submesh.corner_normals is None


def test_the_sum_over_instances_is_limited() -> None:
    few = dataclasses.replace(LIMITS, faces=23)
    with pytest.raises(ServiceError, match="24 triangles, more than 23"):
        scene_submeshes(two_boxes(), few)


def test_an_instance_more_than_may_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve_app.cad.formats.scene_graph.MAX_INSTANCES", 1)
    with pytest.raises(ServiceError, match="2 meshes, more than 1"):
        scene_submeshes(two_boxes(), LIMITS)


@pytest.mark.parametrize(("entry", "value", "message"), [((0, 3), np.nan, "NaN"), ((1, 1), 0.0, "flattens"), ((2, 2), np.inf, "NaN")])
def test_a_transform_that_places_nothing_is_refused_by_name(entry: tuple[int, int], value: float, message: str) -> None:
    scene, matrix = two_boxes(), np.eye(4)
    matrix[entry] = value
    scene.graph.update("lid 2", "lid", matrix=matrix, geometry="box")
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=f"node 'lid 2' has a transform .*{message}"):
        scene_submeshes(scene, LIMITS)


def test_tiny_and_huge_scales_are_no_flattening() -> None:
    (submesh, *_) = scene_submeshes(two_boxes(), LIMITS)
    for scale in (1e-12, 1e12):
        there = transformed(submesh, np.diag([scale, scale, scale, 1.0]), "node")
        assert there.corner_normals is not None and submesh.corner_normals is not None
        np.testing.assert_allclose(there.vertices, submesh.vertices * scale)
        np.testing.assert_allclose(there.corner_normals, submesh.corner_normals, atol=1e-6)


def test_a_long_chain_of_nodes_takes_no_time() -> None:
    scene, count = trimesh.Scene(), 20_000
    for number in range(count):
        scene.graph.update(number + 1, number, matrix=trimesh.transformations.translation_matrix((1, 0, 0)))
    scene.graph.base_frame = 0
    assert world_transforms(scene)[count][0, 3] == count


def test_nodes_in_a_circle_are_refused() -> None:
    scene = two_boxes()
    scene.graph.transforms.parents["lid"] = "lid 2"
    with pytest.raises(ValueError, match="circle"):
        scene_submeshes(scene, LIMITS)


def test_vertices_that_no_face_uses_cost_no_instance_anything() -> None:
    shape = box()
    mesh = trimesh.Trimesh(np.vstack([np.zeros((1000, 3)), shape.vertices]), shape.faces + 1000, process=False)
    few = CadLimits(**{**dataclasses.asdict(LIMITS), "faces": 12})
    (submesh,) = scene_submeshes(trimesh.Scene(mesh), few)
    assert len(submesh.vertices) == 8


def test_points_and_lines_are_no_parts() -> None:
    scene = two_boxes()
    scene.add_geometry(trimesh.PointCloud(np.eye(3)), node_name="points")
    assert [submesh.part for submesh in scene_submeshes(scene, LIMITS)] == ["lid", "lid 2"]


def test_a_face_without_its_vertices_is_refused_with_the_meshs_name() -> None:
    mesh = trimesh.Trimesh(np.eye(3), [[0, 1, 7]], process=False)
    with pytest.raises(ValueError, match="mesh 'odd' has faces that refer"):
        scene_submeshes(trimesh.Scene({"odd": mesh}), LIMITS)
