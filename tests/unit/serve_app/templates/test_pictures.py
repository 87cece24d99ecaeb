"""Pictures that are made of a view's files."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from render_actor.view.encoding import encode_png, encode_xyz
from serve_app.templates.pictures import (
    NoPictureError,
    decoded_png,
    decoded_xyz,
    depth_of_xyz,
    encoded_png,
    encoded_xyz,
    on_object,
    xyz_colors,
    xyz_of_depth,
)

K = np.array([[700.0, 0, 15.5], [0, 710, 11.5], [0, 0, 1]])
BOUNDS = np.array([[-10.0, 0, 0], [10, 40, 5]])


def pose() -> NDArray[np.float64]:
    """Object to camera: turned about two axes, 400 mm away."""
    a, b = 0.3, -0.7
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    turn = turn @ np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, (3, -2, 400)
    return matrix


def plane(z: float = 2.0) -> NDArray[np.float16]:
    """(24, 32, 3) coordinates where the pixels see the plane of height z in the object's frame, with a background around it."""
    matrix = pose()
    rotation, translation = matrix[:3, :3], matrix[:3, 3]
    columns, rows = np.meshgrid(np.arange(32), np.arange(24))
    rays = np.stack([(columns - K[0, 2]) / K[0, 0], (rows - K[1, 2]) / K[1, 1], np.ones((24, 32))], axis=-1) @ rotation
    centre = -rotation.T @ translation
    points = centre + rays * ((z - centre[2]) / rays[..., 2])[..., None]
    xyz = np.full((24, 32, 3), -1, dtype=np.float16)
    xyz[4:20, 5:30] = points[4:20, 5:30]
    return xyz


def test_coordinates_are_read_as_the_renderer_writes_them() -> None:
    xyz = plane()
    assert np.array_equal(decoded_xyz(encode_xyz(xyz), 32, 24), xyz)
    assert encoded_xyz(xyz) == encode_xyz(xyz)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        encode_xyz(plane())[:-1],
        encode_xyz(plane()) + b"x",
        encode_xyz(plane()[:20]),
        encode_xyz(plane()).replace(b"<f2", b"<f4"),
        encode_xyz(plane()).replace(b"(24, 32, 3)", b"(999999, 9)"),
        encode_xyz(plane()).replace(b"'descr'", b"__import"),
    ],
)
def test_what_is_no_file_of_coordinates_is_refused(data: bytes) -> None:
    with pytest.raises(NoPictureError):
        decoded_xyz(data, 32, 24)


def test_images_are_read_by_their_size() -> None:
    rgb = np.arange(24 * 32 * 3, dtype=np.uint8).reshape(24, 32, 3)
    data = encode_png(rgb)
    assert np.array_equal(decoded_png(data, 32, 24)[..., ::-1], rgb)
    for wrong in (data[:40], b"GIF89a" + data, data.replace(b"IDAT", b"IDAX")):
        with pytest.raises(NoPictureError):
            decoded_png(wrong, 32, 24)
    with pytest.raises(NoPictureError, match="no PNG of 32 x 25"):
        decoded_png(data, 32, 25)


def test_colours_go_from_one_side_of_the_cad_to_the_other() -> None:
    xyz = np.full((1, 5, 3), -1, dtype=np.float16)
    xyz[0, :4] = (-10, 0, 0), (10, 40, 5), (0, 10, 5), (11, -1, 2.5)
    red_green_blue = xyz_colors(xyz, BOUNDS)[0, :, ::-1].tolist()
    assert red_green_blue == [[0, 0, 0], [255, 255, 255], [128, 64, 255], [255, 0, 128], [0, 0, 0]]


def test_without_bounds_what_is_seen_has_all_colours() -> None:
    colors = xyz_colors(plane(), None)
    assert colors[on_object(plane())].max(axis=0).tolist()[1:] == [255, 255] and not colors[0].any()
    assert not xyz_colors(np.full((2, 2, 3), -1, dtype=np.float16), None).any()


def test_depth_is_z_before_the_camera() -> None:
    xyz = plane()
    depth = depth_of_xyz(xyz, pose(), 0.1)
    mask = on_object(xyz)
    points = np.c_[xyz[mask].astype(float), np.ones(mask.sum())] @ pose().T
    assert np.abs(depth[mask] * 0.1 - points[:, 2]).max() <= 0.051 and not depth[~mask].any() and depth.dtype == np.uint16
    assert np.array_equal(decoded_png(encoded_png(depth), 32, 24), depth)


def test_coordinates_of_a_depth_image_are_those_it_was_made_of() -> None:
    xyz = plane()
    again = xyz_of_depth(depth_of_xyz(xyz, pose(), 0.1), K, pose(), 0.1)
    assert np.array_equal(on_object(again), on_object(xyz))
    assert np.abs(again.astype(float) - xyz.astype(float)).max() < 0.12
