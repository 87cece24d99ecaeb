"""Every hostile file ends in one clear refusal or a good mesh: the whole corpus, each in a process with the parser's own limits.

The process is a fork of this one that runs ``parse_process.main``, as the server does; that saves starting Python 500 times.
``RENDER_TEST_FULL=1`` takes the large files at full size, writes the table to ``hostile_cads.txt`` in the current folder, and has
hypothesis look for longer.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import trimesh  # noqa: F401 - in the parent, so that no fork that reads glTF need do so.
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from render_actor.contract.types import CadMesh
from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.cad.limits import CadLimits
from serve_app.cad.parse import ParsedCad
from serve_app.cad.read_options import WHOLE
from serve_app.cad.sandbox import process as parse_process
from serve_app.cad.sandbox.client import ended_without_a_result
from serve_app.cad.sandbox.transfer import load_parsed
from serve_app.http.errors import STATUS
from tests.hostile import GOOD, SECRETS, Case, corpus
from tests.hostile.scenes import GOOD_SCENES

FULL = bool(os.environ.get("RENDER_TEST_FULL"))
LIMITS = CadLimits.from_settings(Settings())
ANSWER_SECONDS = 10.0
"""By the processor's clock; the machine may be busy."""
AT_A_TIME = 1 if FULL else os.cpu_count() or 1
"""Files that are read at a time. The full form's take gigabytes, and it tells their times."""
NATIVE_SECONDS = 1.0
"""That native code gets, some of which would work on a case for ever."""

# In the parent, so that each fork need not: it has the time of a good file many times over.
Image.init()
for library in ("cascadio", "collada", "lxml.etree", "trimesh.exchange.gltf", "trimesh.exchange.threemf"):
    importlib.import_module(library)


@dataclass(frozen=True)
class Outcome:
    """What became of a file."""

    mesh: ParsedCad | None
    error: ServiceError | None
    cpu_seconds: float


class Reading:
    """A parsing process at work on a file."""

    def __init__(self, path: Path, native: bool) -> None:
        self._path, self._native, self._result = path, native, os.memfd_create("cad")
        self._seconds = NATIVE_SECONDS if native else ANSWER_SECONDS
        self._deadline = time.monotonic() + 30 * ANSWER_SECONDS
        self._child = os.fork()
        if not self._child:
            try:
                sys.stderr = sys.__stderr__
                faulthandler.disable()  # A crash is an outcome, and not pytest's.
                parse_process.main([str(path), LIMITS.to_json(), WHOLE.to_json(), str(self._seconds), str(self._result)])
                os._exit(0)
            except BaseException as error:
                os.write(2, f"{path.name}: {error!r}\n".encode())
                os._exit(1)

    def outcome(self) -> Outcome:
        """What it made of the file, when it has ended."""
        while not (ended := os.wait4(self._child, os.WNOHANG))[0]:
            if time.monotonic() > self._deadline:
                os.kill(self._child, signal.SIGKILL)
            time.sleep(0.001)
        cpu = ended[2].ru_utime + ended[2].ru_stime
        with os.fdopen(self._result, "rb") as stream:
            if self._native and ended[1]:
                return Outcome(None, ended_without_a_result(os.waitstatus_to_exitcode(ended[1]), self._seconds), cpu)
            assert ended[1] == 0, f"{self._path.name}: the parsing process ended with status {ended[1]} after {cpu:.1f} s of CPU"
            stream.seek(0)
            try:
                return Outcome(load_parsed(stream), None, cpu)
            except ServiceError as error:
                return Outcome(None, error, cpu)


def readings(cases: list[Case], root: Path) -> Iterator[tuple[Case, Path, Reading]]:
    """The cases in their order, each with its file and its reading, of which some are ahead."""
    begun: deque[tuple[Case, Path, Reading]] = deque()
    for place, case in enumerate(cases):
        path = prepared(case, root / str(place))
        begun.append((case, path, Reading(path, case.native)))
        if len(begun) == AT_A_TIME:
            yield begun.popleft()
    yield from begun


def check_refusal(error: ServiceError, folder: Path) -> None:
    """One clear sentence with a code, that names no path and no fault of our own."""
    assert STATUS[error.code] < 500
    assert parse_process.UNEXPECTED not in error.detail, error.detail
    assert str(folder) not in error.detail and "/tmp" not in error.detail and "/proc" not in error.detail
    assert len(error.detail) < 500 and error.detail.isprintable(), error.detail


def check_mesh(mesh: CadMesh) -> None:
    """Arrays that a renderer can use without looking."""
    assert len(mesh.faces) and mesh.vertices.dtype == np.float64 and mesh.faces.dtype == np.int32
    assert np.isfinite(mesh.vertices).all() and mesh.faces.min() >= 0 and mesh.faces.max() < len(mesh.vertices)
    assert (mesh.faces != np.roll(mesh.faces, 1, axis=1)).all()
    assert len(mesh.face_materials) == len(mesh.faces) and mesh.face_materials.min() >= 0
    assert mesh.face_materials.max() < len(mesh.materials)
    for values, shape in ((mesh.corner_normals, (len(mesh.faces), 3, 3)), (mesh.corner_uv, (len(mesh.faces), 3, 2))):
        assert values is None or (values.shape == shape and values.dtype == np.float32 and bool(np.isfinite(values).all()))
    assert mesh.vertex_colors is None or mesh.vertex_colors.shape == (len(mesh.vertices), 4)
    for material in mesh.materials:
        numbers = (*material.base_color, *material.emission, material.alpha, material.roughness, material.specular)
        assert all(0.0 <= number <= 1.0 for number in numbers) and np.isfinite(material.bump_strength)
        assert set(material.textures.values()) <= set(range(len(mesh.textures)))
        assert material.name.isprintable() and len(material.name) <= 60
    assert sum(texture.shape[0] * texture.shape[1] for texture in mesh.textures) <= LIMITS.texture_pixels
    assert all(texture.ndim == 3 and texture.shape[2] == 4 and texture.size for texture in mesh.textures)


def check_outcome(outcome: Outcome, folder: Path) -> str:
    """Whether a file was ``refused`` or ``rendered``, and that it was so properly."""
    if outcome.error is not None:
        check_refusal(outcome.error, folder)
        return "refused"
    assert outcome.mesh is not None
    check_mesh(outcome.mesh.mesh)
    assert len(outcome.mesh.warnings) <= 20
    for warning in outcome.mesh.warnings:
        assert len(warning) < 500 and warning.isprintable() and str(folder) not in warning, warning
    return "rendered"


def is_red(mesh: CadMesh) -> bool:
    """Whether it has the look that the secret files would give it."""
    painted = any((texture[..., :3] == (255, 0, 0)).all() for texture in mesh.textures)
    return painted or any(material.base_color == (1.0, 0.0, 0.0) for material in mesh.materials)


def prepared(case: Case, root: Path) -> Path:
    """A folder with the case's files, beside files that must not be read; the CAD's path."""
    root.mkdir()
    for name, content in SECRETS.items():
        (root / name).write_bytes(content)
    (root / "cads").mkdir()
    path = root / "cads" / f"cad{case.suffix}"
    case.make(path)
    return path


CASES = corpus(1.0 if FULL else 0.02)
KINDS = sorted({case.kind for case in CASES})


@pytest.fixture(scope="module")
def table() -> Iterator[list[str]]:
    """Lines of the table, written in the full form."""
    lines: list[str] = []
    yield lines
    if FULL:
        Path("hostile_cads.txt").write_text("\n".join(["class: cases, refused, rendered, most CPU seconds", *lines]) + "\n")


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 300


@pytest.mark.parametrize("kind", KINDS)
def test_each_case_is_refused_clearly_or_read_well(kind: str, tmp_path: Path, table: list[str]) -> None:
    cases = [case for case in CASES if case.kind == kind]
    counts, worst, failures = {"refused": 0, "rendered": 0}, (0.0, ""), list[str]()
    for case, path, reading in readings(cases, tmp_path):
        try:
            outcome = reading.outcome()
            became = check_outcome(outcome, path.parent)
            said = outcome.error.detail if outcome.error else outcome.mesh and outcome.mesh.warnings
            assert case.outcome in (became, "either"), f"was {became}: {said}"
            assert outcome.cpu_seconds < ANSWER_SECONDS
            assert "reference" not in kind or outcome.mesh is None or not is_red(outcome.mesh.mesh), "the secret was read"
            assert not any(found.name == "evil" for found in (*path.parent.iterdir(), *Path.cwd().iterdir()))
        except AssertionError as error:
            failures.append(f"{case.name}: {error}")
            continue
        finally:
            with contextlib.suppress(OSError):
                path.unlink()
        counts[became] += 1
        worst = max(worst, (outcome.cpu_seconds, case.name))
    table.append(f"{kind}: {len(cases)}, {counts['refused']}, {counts['rendered']}, {worst[0]:.2f} ({worst[1]})")
    assert not failures, f"{len(failures)} of {len(cases)}:\n" + "\n".join(failures)


READ_HERE = GOOD | {name: data for name, data in GOOD_SCENES.items() if name not in ("part.step", "part.igs")}
"""Files whose readers cannot bring down the process of the tests."""


def mutations() -> st.SearchStrategy[tuple[str, bytes]]:
    """Good files with a few bytes, words or lines changed, doubled or left out."""

    @st.composite
    def changed(draw: st.DrawFn) -> tuple[str, bytes]:
        name = draw(st.sampled_from(sorted(READ_HERE)))
        data = READ_HERE[name]
        for _ in range(draw(st.integers(1, 4))):
            separator = draw(st.sampled_from((b"", b" ", b"\n")))
            pieces = [data[i : i + 1] for i in range(len(data))] if not separator else data.split(separator)
            start = draw(st.integers(0, max(0, len(pieces) - 1)))
            length = draw(st.integers(0, 8))
            odd = st.sampled_from(
                [b"-1", b"0", b"4294967295", b"1e999", b"nan", b"\xff" * 4, b"\0\0\x80\x7f", b"list", b"f", b"#", b"\\", b"/"]
            )
            new = draw(
                st.one_of(st.just([]), st.lists(odd | st.binary(max_size=4), max_size=3), st.just(pieces[start : start + length] * 2))
            )
            data = separator.join([*pieces[:start], *new, *pieces[start + length :]])
        return name, data

    return changed()


@given(mutations())
@settings(
    max_examples=3000 if FULL else 150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_changed_files_are_refused_clearly_or_read_well(tmp_path: Path, changed: tuple[str, bytes]) -> None:
    name, data = changed
    path = tmp_path / f"cad{Path(name).suffix}"
    path.write_bytes(data)
    outcome = parse_process.read_cad(path, LIMITS)
    if isinstance(outcome, ServiceError):
        check_refusal(outcome, tmp_path)
    else:
        check_mesh(outcome.mesh)
