"""The order of the rooms: imports run downwards only, nothing above the renderer's process loads Blender, the renderer knows no HTTP."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("render_actor", "serve_app")

FLOORS: tuple[tuple[str, ...], ...] = (
    ("render_actor.contract", "render_actor.metrics"),
    ("render_actor.process", "render_actor.view"),
    ("render_actor.blender",),
    ("render_actor.worker",),
    ("serve_app.base",),
    ("serve_app.cad", "serve_app.jobs", "serve_app.templates"),
    ("serve_app.rendering", "serve_app.uploads"),
    ("serve_app.service",),
    ("serve_app.http", "serve_app.cli"),
    ("serve_app.ingress",),
    ("serve_app.app",),
)
"""The rooms from the ground up. A room uses itself and the floors below its own; rooms of one floor do not use each other."""

CAD_FLOORS: tuple[tuple[str, ...], ...] = (
    ("serve_app.cad.refusals", "serve_app.cad.text", "serve_app.cad.units", "serve_app.cad.read_options"),
    ("serve_app.cad.size",),
    ("serve_app.cad.limits",),
    ("serve_app.cad.references", "serve_app.cad.mesh"),
    ("serve_app.cad.textures",),
    ("serve_app.cad.formats",),
    ("serve_app.cad.parse",),
    ("serve_app.cad.sandbox",),
    ("serve_app.cad.loader",),
    ("serve_app.cad.report", "serve_app.cad.preview"),
)
"""The same inside the largest room."""

SHARED = ("render_actor.contract", "render_actor.metrics")
"""What the service may use of the renderer. The builder alone also binds the worker."""


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> set[str]:
    """Modules that a file imports, whatever ``from`` takes of them; ``from room import module`` counts as the module."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name for name in modules if (ROOT / name.replace(".", "/")).with_suffix(".py").exists()} or {node.module}
    return names


FILES = {name_of(path): imports(path) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}


def floor_of(name: str, floors: tuple[tuple[str, ...], ...]) -> tuple[int, str] | None:
    """Floor and room of a module, or None where it is in none of the rooms."""
    return next(
        ((number, room) for number, rooms in enumerate(floors) for room in rooms if name == room or name.startswith(f"{room}.")), None
    )


@pytest.mark.parametrize("floors", [FLOORS, CAD_FLOORS], ids=["rooms", "cad"])
def test_imports_run_downwards_only(floors: tuple[tuple[str, ...], ...]) -> None:
    upwards = []
    for name, used in FILES.items():
        here = floor_of(name, floors)
        for other in used:
            there = floor_of(other, floors)
            if here and there and here[1] != there[1] and there[0] >= here[0]:
                upwards.append(f"{name} imports {other}")
    assert not upwards


def test_every_file_stands_in_a_room() -> None:
    assert not [name for name in FILES if floor_of(name, FLOORS) is None and name not in PACKAGES]
    inside = [name for name in FILES if name.startswith("serve_app.cad.")]
    assert not [name for name in inside if floor_of(name, CAD_FLOORS) is None]


def test_no_room_imports_in_a_circle() -> None:
    for name in FILES:
        waiting, seen = list(FILES[name]), set[str]()
        while waiting:
            used = waiting.pop()
            assert used != name, f"{name} imports itself through others"
            if used in FILES and used not in seen:
                seen.add(used)
                waiting.extend(FILES[used])


def test_the_service_uses_only_the_renderers_values() -> None:
    for name, used in FILES.items():
        if name.startswith("serve_app"):
            taken = {other for other in used if other.startswith("render_actor") and not other.startswith(SHARED)}
            assert taken <= ({"render_actor.worker.worker"} if name == "serve_app.app" else set()), name


def test_the_renderer_never_imports_the_service() -> None:
    for name, used in FILES.items():
        if name.startswith("render_actor"):
            assert not any(other.startswith(("serve_app", "fastapi", "starlette")) for other in used), name


def test_only_the_session_imports_blender() -> None:
    packages = {"bpy", "blenderproc", "mathutils"}
    assert {name for name, used in FILES.items() if {other.split(".")[0] for other in used} & packages} == {"render_actor.blender.session"}


def test_the_application_loads_no_blender() -> None:
    code = (
        "import sys, serve_app.app, serve_app.http.routes\n"
        "sys.exit(any(name in sys.modules for name in ('bpy', 'blenderproc', 'mathutils')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
