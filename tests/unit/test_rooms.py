"""The borders between the rooms: nothing above the renderer's process loads Blender, and the renderer knows no HTTP."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What the service may use of the renderer's room: values, and, in the builder alone, the deployment.
SHARED = {f"render_actor.contract.{name}" for name in ("types", "scene", "cameras", "device", "fence")}


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    return names | {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}


def test_the_service_uses_only_the_renderers_values() -> None:
    for path in (ROOT / "serve_app").rglob("*.py"):
        used = {name for name in imports(path) if name.startswith("render_actor")}
        allowed = SHARED | ({"render_actor.worker.worker"} if path.name == "app.py" else set())
        assert used <= allowed, path


def test_the_renderer_never_imports_the_service() -> None:
    for path in (ROOT / "render_actor").rglob("*.py"):
        assert not any(name.startswith(("serve_app", "fastapi", "starlette")) for name in imports(path)), path


def test_only_the_blender_modules_import_blender() -> None:
    packages = {"bpy", "blenderproc", "mathutils"}
    importers = {path.name for path in (ROOT / "render_actor").rglob("*.py") if {name.split(".")[0] for name in imports(path)} & packages}
    assert importers == {"session.py"}


def test_the_application_loads_no_blender() -> None:
    code = (
        "import sys, serve_app.app, serve_app.http.routes\n"
        "sys.exit(any(name in sys.modules for name in ('bpy', 'blenderproc', 'mathutils')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
