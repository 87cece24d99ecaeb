"""Landlock as older kernels have it, and the places that it leaves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from serve_app.cad.sandbox.landlock import landlock_abi

ROOT = Path(__file__).parents[5]

RESTRICTED = """
import os, sys
from serve_app.cad.sandbox import landlock
from serve_app.cad.sandbox.kernel import set_no_new_privileges
landlock.landlock_abi = lambda: {abi}
folder = sys.argv[1]
places = [landlock.Place(folder), landlock.Place(folder + "-other/writable", writable=True), landlock.Place("/nowhere")]
set_no_new_privileges()
print(landlock.restrict_files(places) or "all of it")
def outcome(path, flags):
    try:
        os.close(os.open(path, flags))
        return "open"
    except PermissionError:
        return "refused"
read, write = os.O_RDONLY, os.O_WRONLY
print(outcome(folder + "/file", read), outcome(folder + "/file", write), outcome(folder + "-other/file", read))
print(outcome(folder + "-other/writable", write), outcome(folder, read), outcome(folder + "-other", read))
"""


def restricted(folder: Path, abi: int) -> list[str]:
    """What is said, and what became of opening files."""
    other = folder.with_name(folder.name + "-other")
    for place in (folder, other):
        place.mkdir()
        (place / "file").touch()
    (other / "writable").touch()
    code = RESTRICTED.format(abi=abi)
    ended = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


@pytest.fixture(scope="module")
def kernels_abi() -> int:
    try:
        return landlock_abi()
    except OSError as error:
        pytest.skip(f"this kernel or container has no Landlock: {error}")


@pytest.mark.parametrize("abi", range(1, 8))
def test_each_abi_keeps_to_the_places_and_an_older_one_is_told(abi: int, kernels_abi: int, tmp_path: Path) -> None:
    if abi > kernels_abi:
        pytest.skip(f"this kernel has ABI {kernels_abi}")
    said, *outcomes = restricted(tmp_path / "cads", abi)
    assert outcomes == ["open refused refused", "open open refused"]
    if abi >= 6:
        assert said == "all of it"
    else:
        assert f"(ABI {abi})" in said and "Linux 6.12" in said and ("TCP" in said) == (abi < 4)
