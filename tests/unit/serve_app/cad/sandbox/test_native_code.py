"""What the kernel keeps from native code in the parsing process, which no Python hook sees, and what it leaves to it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from serve_app.cad.sandbox.trial import missing_protection
from tests.unit.serve_app.cad.sandbox.native_attempts import ATTEMPTS

ROOT = Path(__file__).parents[5]
MISSING = " | ".join(gap for gap in missing_protection() if gap.startswith("no "))
"""An older Landlock is enough for what is tried here."""

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"this kernel or container lacks it: {MISSING}")


def attempt(name: str, folder: Path, state: str) -> str:
    """What became of an attempt: ``done``, or the errno."""
    folder.mkdir(parents=True)
    (folder / "cad.ply").write_text("ply")
    (folder.parent / "outside").write_text("outside")
    command = [sys.executable, "-m", "tests.unit.serve_app.cad.sandbox.native_attempts", name, str(folder), state]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    return ended.stdout.strip()


@pytest.mark.parametrize("name", ATTEMPTS)
def test_what_native_code_can_do_is_refused_when_it_is_confined(name: str, tmp_path: Path) -> None:
    assert attempt(name, tmp_path / "free" / "cads", "free") == "done"
    confined = tmp_path / "confined" / "cads"
    assert attempt(name, confined, "confined") in ("EPERM", "EACCES")
    assert [path.name for path in confined.iterdir()] == ["cad.ply"] and (confined / "cad.ply").read_text() == "ply"


STILL_WORKS = """
import io, sys, threading
from pathlib import Path
from serve_app.cad.sandbox.confinement import confine
from tests.hostile.scenes.step_file import step

confine(Path(sys.argv[1]))
came = []
threads = [threading.Thread(target=came.append, args=(number,)) for number in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert sorted(came) == [0, 1, 2, 3]

import cascadio, numpy, PIL.Image, trimesh
picture = io.BytesIO()
PIL.Image.fromarray(numpy.eye(9) > 0).save(picture, "PNG")
assert PIL.Image.open(picture).size == (9, 9)
solid = trimesh.load(io.BytesIO(cascadio.load(step().encode(), "step")), file_type="glb")
assert len(solid.to_mesh().faces) == 4
"""


def test_native_readers_threads_and_files_in_memory_work_confined(tmp_path: Path) -> None:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # As the client has it: numpy starts no thread before.
    ended = subprocess.run(
        [sys.executable, "-c", STILL_WORKS, str(tmp_path)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_threads_that_would_stay_free_are_an_error() -> None:
    code = (
        "import threading, time\nfrom pathlib import Path\nfrom serve_app.cad.sandbox.confinement import confine\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nconfine(Path('/tmp'))"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1 and "before it starts threads" in ended.stderr
