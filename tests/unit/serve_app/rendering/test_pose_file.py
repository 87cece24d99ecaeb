from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from render_actor.contract.cameras import camera_poses
from serve_app.base.errors import ServiceError
from serve_app.rendering.pose_file import read_poses


def write(path: Path, poses: Any) -> Path:
    np.save(path, poses, allow_pickle=True)
    return path


def test_a_stock_list_is_taken_as_it_is(tmp_path: Path) -> None:
    poses = camera_poses(0).astype(np.float32)
    assert np.array_equal(read_poses(write(tmp_path / "p.npy", poses), "p.npy"), poses.astype(np.float64))


def spoiled(index: tuple[int, ...], value: float) -> np.ndarray:  # type: ignore[type-arg]
    poses = camera_poses(0).copy()
    poses[index] = value
    return poses


@pytest.mark.parametrize(
    ("poses", "words"),
    [
        (np.zeros((3, 4)), "shape"),
        (np.zeros((0, 4, 4)), "shape"),
        (np.zeros((2049, 4, 4)), "more than 2048"),
        (np.array([object()]), "cannot be read"),
        (np.full((1, 4, 4), "a"), "type"),
        (spoiled((5, 0, 0), np.nan), "pose 5 has NaN"),
        (spoiled((6, 3, 3), 2.0), "pose 6 has the last row"),
        (spoiled((7, 0, 0), 3.0), "pose 7 has a rotation"),
        (camera_poses(0)[:1] * np.diag([1, -1, 1, 1]), "mirrors"),
        (np.eye(4)[None], "at the origin"),
    ],
)
def test_a_bad_list_is_refused_with_the_first_fault(poses: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(ServiceError) as caught:
        read_poses(write(tmp_path / "p.npy", poses), "p.npy")
    assert caught.value.code == "poses_invalid" and caught.value.field == "camera_poses_path"
    assert words in caught.value.detail and "'p.npy'" in caught.value.detail


def test_a_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.npy").write_text("not numpy")
    with pytest.raises(ServiceError):
        read_poses(tmp_path / "p.npy", "p.npy")


def npy(header: bytes, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    return b"\x93NUMPY" + version + len(header).to_bytes(2 if version[0] == 1 else 4, "little") + header + data


def described(shape: str, kind: str = "<f8", order: str = "False") -> bytes:
    return f"{{'descr': {kind!r}, 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()


class Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch evil",)


GOOD = camera_poses(0)[:2].astype("<f8")
HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "magic": b"\x93NUMPY",
    "pickle": pickle.dumps(Evil()),
    "object dtype": npy(described("(1, 4, 4)", "|O"), pickle.dumps([Evil()])),
    "huge": npy(described(f"({2**40}, 4, 4)")),
    "overflowing": npy(described(f"({2**62}, 4, 4)")),
    "beyond 64 bits": npy(described(f"({2**70}, 4, 4)")),
    "negative": npy(described("(-2, 4, 4)"), GOOD.tobytes()),
    "no tuple": npy(described("2"), GOOD.tobytes()),
    "floats for a shape": npy(described("(2.0, 4, 4)"), GOOD.tobytes()),
    "truncated": npy(described("(2, 4, 4)"), GOOD.tobytes()[:-1]),
    "longer": npy(described("(1, 4, 4)"), GOOD.tobytes()),
    "text dtype": npy(described("(2, 4, 4)", "<U2"), GOOD.tobytes()),
    "complex": npy(described("(1, 4, 4)", "<c16"), GOOD.tobytes()),
    "dates": npy(described("(2, 4, 4)", "<M8[s]"), GOOD.tobytes()),
    "void": npy(described("(2, 4, 4)", "|V8"), GOOD.tobytes()),
    "no dtype": npy(described("(2, 4, 4)", "import os"), GOOD.tobytes()),
    "code": npy(b"__import__('os').system('touch evil')\n", GOOD.tobytes()),
    "deep": npy(b"(" * 900 + b"\n", GOOD.tobytes()),
    "minuses": npy(b"-" * 60000 + b"1\n", GOOD.tobytes()),
    "long header": npy(described("(2, 4, 4)") + b" " * 60000 + b"\n", GOOD.tobytes()),
    "long length": b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + described("(2, 4, 4)"),
    "version 3": npy(described("(2, 4, 4)"), GOOD.tobytes(), b"\x03\x00"),
    "version 9": npy(described("(2, 4, 4)"), GOOD.tobytes(), b"\x09\x00"),
    "no keys": npy(b"{}\n"),
    "more keys": npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 4, 4), 'x': 1}\n", GOOD.tobytes()),
    "list of fields": npy(b"{'descr': [('a', '<f8', (4, 4))], 'fortran_order': False, 'shape': (2,)}\n", GOOD.tobytes()),
    "far away": npy(described("(1, 4, 4)"), np.block([[np.eye(3), np.full((3, 1), 1e300)], [np.zeros((1, 3)), 1]]).tobytes()),
    "overflowing rotation": npy(described("(1, 4, 4)"), (np.eye(4) * 1e300).tobytes()),
    "too long": b"\x93NUMPY" + b"\0" * 10**6,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_and_nothing_of_it_is_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.npy").write_bytes(HOSTILE[name])
    with pytest.raises(ServiceError) as caught:
        read_poses(tmp_path / "p.npy", "p.npy")
    assert caught.value.code == "poses_invalid" and str(tmp_path) not in caught.value.detail and len(caught.value.detail) < 300
    assert os.listdir(tmp_path) == ["p.npy"]


def test_an_archive_under_the_name_of_an_array_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", poses=GOOD)
    (tmp_path / "p.npz").rename(tmp_path / "p.npy")
    with pytest.raises(ServiceError, match=r"no \.npy file"):
        read_poses(tmp_path / "p.npy", "p.npy")


@pytest.mark.parametrize("kind", ["<f4", ">f8", "<f2", "<f8"])
def test_types_and_orders_of_every_kind_are_read(kind: str, tmp_path: Path) -> None:
    column_major = np.asfortranarray(camera_poses(0).astype(kind))
    read = read_poses(write(tmp_path / "p.npy", column_major), "p.npy")
    assert np.array_equal(read, column_major.astype(np.float64))


@given(st.data())
@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_changed_files_are_refused_or_read(tmp_path: Path, data: st.DataObject) -> None:
    good = bytearray(npy(described("(2, 4, 4)"), GOOD.tobytes()))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "p.npy").write_bytes(bytes(good))
    try:
        assert np.isfinite(read_poses(tmp_path / "p.npy", "p.npy")).all()
    except ServiceError as error:
        assert error.code == "poses_invalid"
