"""The parsing process and whoever waits for it: limits, crashes, and what each becomes for the client."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
import sys
from pathlib import Path

import pytest

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.parse import ParsedCad
from serve_app.cad.sandbox.client import parse_in_process
from tests.hostile import GOOD
from tests.hostile.files import VERTICES, ascii_ply, obj

LIMITS = CadLimits.from_settings(Settings())


async def refusal(path: Path, limits: CadLimits) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await parse_in_process(path, path.stat().st_size, limits)
    assert caught.value.field == "cad_path" and str(path.parent) not in caught.value.detail
    return caught.value


async def test_a_good_cad_comes_back_whole(tmp_path: Path) -> None:
    (tmp_path / "cad.ply").write_bytes(GOOD["ascii.ply"])
    parsed = await parse_in_process(tmp_path / "cad.ply", 1, LIMITS)
    assert isinstance(parsed, ParsedCad) and len(parsed.mesh.faces) == 4 and parsed.mesh.vertices.min() == -30


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (dataclasses.replace(LIMITS, faces=3), "RENDER_MAX_FACES"),
        (dataclasses.replace(LIMITS, max_bytes=50), "RENDER_MAX_CAD_BYTES"),
    ],
)
@pytest.mark.parametrize("name", sorted(GOOD))
async def test_each_reader_keeps_the_limits(name: str, limits: CadLimits, words: str, tmp_path: Path) -> None:
    path = tmp_path / f"cad{Path(name).suffix}"
    path.write_bytes(GOOD[name])
    error = await refusal(path, limits)
    assert error.code == "cad_too_large" and words in error.detail


@pytest.mark.parametrize(("kind", "what"), [("v", "vertices"), ("vt", "texture coordinates"), ("vn", "normals")])
async def test_an_obj_of_points_keeps_the_limits(kind: str, what: str, tmp_path: Path) -> None:
    (tmp_path / "cad.obj").write_text(obj() + f"{kind} 1 2 3\n" * 20)
    error = await refusal(tmp_path / "cad.obj", dataclasses.replace(LIMITS, faces=5))
    assert error.code == "cad_too_large" and what in error.detail and "more than 15" in error.detail


async def test_a_ply_of_points_keeps_the_limits(tmp_path: Path) -> None:
    (tmp_path / "cad.ply").write_text(ascii_ply([*VERTICES] * 4))
    error = await refusal(tmp_path / "cad.ply", dataclasses.replace(LIMITS, faces=5))
    assert error.code == "cad_too_large" and "16 entries of 'vertex'" in error.detail


async def test_too_little_memory_is_said(tmp_path: Path) -> None:
    (tmp_path / "cad.obj").write_text(obj() + "v 1 2 3\n" * 3_000_000)
    error = await refusal(tmp_path / "cad.obj", dataclasses.replace(LIMITS, memory=400 * 1024**2))
    assert error.code == "cad_too_large" and "RENDER_CAD_MEMORY_BYTES" in error.detail


async def test_too_little_time_is_said_and_the_process_is_gone(tmp_path: Path) -> None:
    (tmp_path / "cad.obj").write_text(obj() + "v 1 2 3\n" * 3_000_000)
    limits = dataclasses.replace(LIMITS, base_seconds=0.5)
    with pytest.raises(ServiceError, match="RENDER_CAD_TIMEOUT_SEC"):
        await parse_in_process(tmp_path / "cad.obj", 1, limits)
    assert not readers()


def readers() -> list[str]:
    """Command lines of this process's children that read a CAD."""
    found = []
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # A thread, or a child, that has just ended.
            for child in (task / "children").read_text().split():
                found.append(Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode())
    return [line for line in found if "serve_app.cad.sandbox.process" in line]


async def test_a_canceled_wait_ends_the_process(tmp_path: Path) -> None:
    (tmp_path / "cad.obj").write_text(obj() + "v 1 2 3\n" * 3_000_000)
    waiting = asyncio.create_task(parse_in_process(tmp_path / "cad.obj", 1, LIMITS))
    while not readers():
        assert not waiting.done()
        await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not readers()


@pytest.mark.parametrize(
    ("ending", "code", "words"),
    [
        (f"kill -{signal.SIGSEGV} $$", "cad_invalid", "damaged"),
        (f"kill -{signal.SIGABRT} $$", "cad_invalid", "damaged"),
        (f"kill -{signal.SIGKILL} $$", "cad_too_large", "memory"),
        (f"kill -{signal.SIGXCPU} $$", "cad_invalid", "RENDER_CAD_TIMEOUT_SEC"),
        ("echo /secret/place >&2; exit 3", "cad_invalid", "damaged"),
    ],
)
async def test_a_process_that_dies_is_a_clear_refusal(
    ending: str, code: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dies").write_text(f"#!/bin/sh\n{ending}\n")
    (tmp_path / "dies").chmod(0o755)
    (tmp_path / "cad.ply").write_bytes(GOOD["ascii.ply"])
    monkeypatch.setattr(sys, "executable", str(tmp_path / "dies"))
    error = await refusal(tmp_path / "cad.ply", LIMITS)
    assert error.code == code and words in error.detail and "secret" not in error.detail


async def test_the_process_keeps_its_memory_and_knows_none_of_the_servers_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "says").write_text(f"#!/bin/sh\nenv > {tmp_path}/environment\nexit 3\n")
    (tmp_path / "says").chmod(0o755)
    (tmp_path / "cad.ply").write_bytes(GOOD["ascii.ply"])
    monkeypatch.setenv("RENDER_API_KEY", "hidden")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "says"))
    await refusal(tmp_path / "cad.ply", LIMITS)
    said = (tmp_path / "environment").read_text()
    assert "MALLOC_MMAP_MAX_=0" in said.splitlines() and f"MALLOC_TRIM_THRESHOLD_={LIMITS.memory}" in said.splitlines()
    assert "hidden" not in said and "RENDER_" not in said
