"""Hostile CADs, paths and pose files through the real server with real Blenders: each gets one answer, and nothing else suffers.

The short form takes a sample of ``tests/hostile``; ``RENDER_TEST_FULL=1`` takes every second case of it and the large files
at full size, and writes the table to ``hostile_requests.txt`` in the current folder.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from render_actor.contract.cameras import camera_poses
from serve_app.http.errors import STATUS
from tests.hostile import GOOD, SECRETS, Case, corpus
from tests.http_client import http_client
from tests.integration.conftest import Server
from tests.wait import wait_until

FULL = bool(os.environ.get("RENDER_TEST_FULL"))
VIEWS = 2
STALLED = 60.0
"""Seconds without an answer after which a test gives up; what is asked for is 10, which the table shows."""

SEEN_BY_THE_CAMERA = ("view_blank", "view_clipped", "camera_inside_object")
"""Clear errors of a CAD that is well formed: one without any thickness is not to be seen from everywhere."""


def jobs_under_way(server: Server) -> int:
    """Jobs that have not ended."""
    with server.http() as http:
        status = http.get("/api/v1/status").json()
    return int(status["jobs_queued"] + status["jobs_running"])


def sample() -> list[Case]:
    cases = corpus(1.0 if FULL else 0.02)
    large = [case for case in cases if case.kind == "large"]
    degenerate = [case for case in cases if case.kind == "degenerate"]  # They are what kills a Blender.
    scenes = [case for case in cases if case.suffix not in (".ply", ".obj", ".stl")]
    others = [case for case in cases if case.kind not in ("large", "degenerate") and case not in scenes]
    return others[:: 2 if FULL else 30] + scenes[:: 2 if FULL else 80] + degenerate[:: 1 if FULL else 3] + (large if FULL else large[:4])


def prepared(server: Server, name: str) -> Path:
    """A folder for one case, with files outside it that must not be read, and two cameras."""
    folder = server.folder / "hostile" / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "cads").mkdir(parents=True)
    for secret, content in SECRETS.items():
        (folder / secret).write_bytes(content)
    np.save(server.folder / "hostile" / "poses.npy", camera_poses(0)[10 : 10 + VIEWS])
    return folder / "cads"


def ask(server: Server, cad: Path | str, output: Path, **options: Any) -> tuple[httpx.Response, float]:
    """Render, and the seconds until the answer."""
    poses = str(server.folder / "hostile" / "poses.npy")
    body = {"cad_path": str(cad), "output_dir": str(output), "resolution": 64, "samples": 1, "camera_poses_path": poses, **options}
    began = time.monotonic()
    with http_client(server.url, STALLED) as http:
        response = http.post("/api/v1/render-templates", json=body)
    return response, time.monotonic() - began


def check_answer(server: Server, response: httpx.Response, output: Path, sent: str = "") -> str:
    """One clear error, or whole templates; returns the error's code or ``rendered``."""
    answer = response.json()
    if response.status_code == 200:
        folder = output / "templates"
        assert len(os.listdir(folder)) == VIEWS * 3 + 1
        for view in range(VIEWS):
            assert Image.open(folder / f"rgb_{view}.png").size == (64, 64)
            assert np.asarray(Image.open(folder / f"mask_{view}.png")).any()
            assert np.isfinite(np.load(folder / f"xyz_{view}.npy").astype(float)).all()
        return "rendered"
    assert set(answer) == {"detail", "code", "field"}, answer
    assert response.status_code == STATUS[answer["code"]] < 500, answer
    said = answer["detail"].replace(sent, "") if sent else answer["detail"]
    assert str(server.folder) not in said and "/tmp" not in said and len(answer["detail"]) < 6000, answer
    assert not output.exists()
    return str(answer["code"])


def state(server: Server) -> dict[str, Any]:
    with server.http() as http:
        assert http.get("/health").status_code == 200
        status: dict[str, Any] = http.get("/api/v1/status").json()
    return status


def test_a_sample_of_the_corpus(server: Server) -> None:
    lost_before = sum(renderer["restarts"] for renderer in state(server)["renderers"])
    table: dict[str, list[Any]] = {}
    failures: list[str] = []
    for number, case in enumerate(sample()):
        folder = prepared(server, str(number))
        path = folder / f"cad{case.suffix}"
        case.make(path)
        output = server.folder / "hostile_out" / str(number)
        try:
            response, seconds = ask(server, path, output)
            became = check_answer(server, response, output, sent=str(path))
            expected = {"refused": became != "rendered", "rendered": became == "rendered" or became in SEEN_BY_THE_CAMERA, "either": True}
            assert expected[case.outcome], f"{became}: {response.text}"
            assert became in (*SEEN_BY_THE_CAMERA, "rendered", "cad_invalid", "cad_too_large"), response.text
        except (AssertionError, httpx.HTTPError) as error:
            failures.append(f"{case.name}: {error!r}")
            continue
        finally:
            shutil.rmtree(folder.parent, ignore_errors=True)
            shutil.rmtree(output, ignore_errors=True)
        row = table.setdefault(case.kind, [0, 0, 0, 0.0, ""])
        row[0] += 1
        row[1 + (became == "rendered")] += 1
        if seconds > row[3]:
            row[3:] = [seconds, case.name]
    rows = [f"{kind}: {r[0]}, {r[1]}, {r[2]}, {r[3]:.1f} ({r[4]})" for kind, r in table.items()]
    if FULL:
        Path("hostile_requests.txt").write_text("\n".join(["class: requests, refused, rendered, most wall seconds", *rows]) + "\n")
    assert not failures, f"{len(failures)} failed:\n" + "\n".join(failures)
    after = state(server)
    assert sum(renderer["restarts"] for renderer in after["renderers"]) == lost_before and not after["jobs_running"]
    assert not [name for name in os.listdir(server.folder / "hostile_out") if name.endswith(".partial")]


def _device(path: Path) -> None:
    try:
        os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this user may not make a device")


def _socket(path: Path) -> None:
    place = socket.socket(socket.AF_UNIX)
    place.bind(os.path.relpath(path))  # The name of a socket must be short.
    place.close()


STRANGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe.ply": (os.mkfifo, "cad_not_a_file"),
    "device.ply": (_device, "cad_not_a_file"),
    "socket.ply": (_socket, "cad_not_a_file"),
    "folder.ply": (Path.mkdir, "cad_not_a_file"),
    "to_device.ply": (lambda path: path.symlink_to("/dev/zero"), "path_outside_roots"),
    "to_proc.ply": (lambda path: path.symlink_to("/proc/self/environ"), "path_outside_roots"),
    "to_secret.ply": (lambda path: path.symlink_to("/etc/passwd"), "path_outside_roots"),
    "loop.ply": (lambda path: path.symlink_to(path.name), "cad_not_found"),
    "gone.ply": (lambda path: None, "cad_not_found"),
    "new\nline.ply": (lambda path: path.write_bytes(GOOD["ascii.ply"]), "rendered"),
    "$(touch evil).ply": (lambda path: path.write_bytes(GOOD["ascii.ply"]), "rendered"),
    "--help.ply": (lambda path: path.write_bytes(GOOD["ascii.ply"]), "rendered"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_path(server: Server, name: str) -> None:
    make, code = STRANGE[name]
    path = prepared(server, "strange") / name
    make(path)
    output = server.folder / "hostile_out" / "strange"
    response, _ = ask(server, path, output)
    assert check_answer(server, response, output, sent=repr(str(path))) == code, response.text
    shutil.rmtree(output, ignore_errors=True)


@pytest.mark.parametrize(
    "path", ["/proc/self/environ", "/dev/zero", "/dev/stdin", "http://127.0.0.1:9/a.ply", "file:///etc/passwd", "~/a.ply", "\x1b.ply"]
)
def test_a_path_that_is_not_below_the_roots(server: Server, path: str) -> None:
    prepared(server, "strange")
    output = server.folder / "hostile_out" / "strange"
    response, _ = ask(server, path, output)
    assert check_answer(server, response, output, sent=repr(path)) in ("path_outside_roots", "cad_not_found"), response.text


def test_a_path_that_changes_between_check_and_open(server: Server) -> None:
    folder = prepared(server, "swapped")
    path, spare, third = folder / "cad.ply", folder / "spare", folder / "third"
    path.write_bytes(GOOD["ascii.ply"])
    spare.symlink_to("/etc/passwd")
    stop = threading.Event()

    def exchange() -> None:
        while not stop.is_set():
            path.rename(third)
            spare.rename(path)
            path.rename(spare)
            third.rename(path)
            time.sleep(0.0002)

    thread = threading.Thread(target=exchange)
    thread.start()
    became = []
    try:
        for number in range(40 if FULL else 12):
            output = server.folder / "hostile_out" / f"swapped{number}"
            response, _ = ask(server, path, output)
            became.append(check_answer(server, response, output, sent=repr(str(path))))
    finally:
        stop.set()
        thread.join()
    assert set(became) <= {"rendered", "cad_not_found", "cad_not_a_file", "path_outside_roots", "validation_error"}, became


def test_hostile_poses(server: Server) -> None:
    folder = prepared(server, "poses")
    (folder / "cad.ply").write_bytes(GOOD["ascii.ply"])
    good = camera_poses(0)[:VIEWS]
    np.save(folder / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(folder / "archive.npz", poses=good)
    (folder / "archive.npz").rename(folder / "archive.npy")
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776, 4, 4), }\n"
    (folder / "huge.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    (folder / "text.npy").write_text("[[1, 0, 0, 0]]")
    os.mkfifo(folder / "pipe.npy")
    (folder / "to_proc.npy").symlink_to("/proc/self/environ")
    output = server.folder / "hostile_out" / "poses"
    for name in ("objects", "archive", "huge", "text", "pipe", "to_proc"):
        response, _ = ask(server, folder / "cad.ply", output, camera_poses_path=str(folder / f"{name}.npy"))
        code = check_answer(server, response, output, sent=repr(str(folder / f"{name}.npy")))
        assert code == ("path_outside_roots" if name == "to_proc" else "poses_invalid"), response.text


def test_a_good_cad_goes_on_beside_slow_ones(server: Server) -> None:
    """More large CADs wait to be read than may be read, and than jobs may run, at a time; a small one does not wait for them."""
    folder = prepared(server, "beside")
    line = b"v 1 2 3\nv 4 5 6\nv 7 8 9\n"
    ended: list[str] = []

    def large(number: int) -> None:
        (folder / f"{number}.obj").write_bytes(b"# %d\n" % number + line * 750_000)
        ask(server, folder / f"{number}.obj", server.folder / "hostile_out" / f"beside{number}")
        ended.append("large")

    threads = [threading.Thread(target=large, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    wait_until(lambda: jobs_under_way(server) + len(ended) >= len(threads), "all large CADs are jobs")
    (folder / "good.ply").write_bytes(GOOD["ascii.ply"])
    output = server.folder / "hostile_out" / "beside"
    response, _ = ask(server, folder / "good.ply", output)
    assert check_answer(server, response, output) == "rendered"
    ended.append("good")
    for thread in threads:
        thread.join()
    assert ended.index("good") < 5, ended
