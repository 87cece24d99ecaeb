"""The built wheel in an environment of its own and an empty folder: configs and examples come from the package."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from serve_app.cli.checks import free_port

ROOT = Path(__file__).parents[2]
_NOT_SOURCE = {".venv", ".git", "build", "dist", "data", "logs", "output", "site"}


def not_source(folder: str, names: list[str]) -> list[str]:
    """What a checkout does not have."""
    made = [name for name in names if name.endswith((".egg-info", "_cache", "__pycache__"))]
    return made + [name for name in names if Path(folder) == ROOT and name in _NOT_SOURCE]


def run(*words: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "RENDER_API_KEY")} | more
    return subprocess.run([*map(str, words)], cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=400)


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment that the wheel is installed in; the heavy packages are this environment's."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "source", ignore=not_source)
    # From a source archive, as a release is: what that lacks, the wheel lacks.
    built = run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", folder / "source", cwd=folder)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = (folder / "dist").glob("*.whl")
    made = run(sys.executable, "-m", "venv", "--without-pip", folder / "env", cwd=folder)
    assert made.returncode == 0, made.stderr
    packages = next((folder / "env" / "lib").glob("python*")) / "site-packages"
    # A line of a .pth: packages there are found, but its own .pth files, so this project's editable install, are not looked at.
    (packages / "heavy.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "env" / "bin" / "python")]
    installed = run(*pip, "install", "--quiet", "--no-deps", "--no-index", "--ignore-installed", wheel, cwd=folder)
    assert installed.returncode == 0, installed.stderr
    return folder / "env" / "bin"


def test_the_code_is_that_of_the_wheel(commands: Path, tmp_path: Path) -> None:
    names = ("serve_app", "render_actor", "render_server_client")
    code = f"import {', '.join(names)}; print({', '.join(f'{name}.__file__' for name in names)})"
    where = run(commands / "python", "-c", code, cwd=tmp_path).stdout.split()
    assert len(where) == len(names) and all(path.startswith(str(commands.parent)) for path in where)


def test_the_page_is_in_the_wheel(commands: Path) -> None:
    (page,) = commands.parent.glob("lib/python*/site-packages/serve_app/page")
    ours = {path.relative_to(ROOT / "serve_app" / "page") for path in (ROOT / "serve_app" / "page").rglob("*") if path.is_file()}
    assert ours and ours == {path.relative_to(page) for path in page.rglob("*") if path.is_file()}


def test_check_passes_and_ray_has_our_defaults(commands: Path, tmp_path: Path) -> None:
    checked = run(commands / "render-server", "check", cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr
    asked = run(commands / "python", "-c", "import os; print(os.environ['RAY_USAGE_STATS_ENABLED'])", cwd=tmp_path)
    assert asked.stdout == "0\n", "the wheel lacks what has Ray send nothing"


def test_init_copies_what_comes_with_the_package(commands: Path, tmp_path: Path) -> None:
    assert run(commands / "render-server", "init", cwd=tmp_path).returncode == 0
    for name in ("serve_config.yaml", "cluster/serve_config.gpu.yaml", "cluster/monitoring/alerts.yml", "examples/crate.png"):
        assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes()


def test_up_in_an_empty_folder_renders(commands: Path, tmp_path: Path) -> None:
    port = free_port()
    words = [str(commands / "render-server"), "up", "--host", "127.0.0.1", "--port", str(port), "--metrics-port", "0"]
    with (tmp_path / "console").open("wb") as console:
        up = subprocess.Popen(words, cwd=tmp_path, stdout=console, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}"
        waited = run(commands / "python", "-c", _WAIT, url, cwd=tmp_path)
        assert waited.returncode == 0, (tmp_path / "console").read_text()
        smoke = run(commands / "render-server", "smoke", "--url", url, "--resolution", "64", cwd=tmp_path)
        assert smoke.returncode == 0, smoke.stdout + smoke.stderr
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(timeout=90)
    assert up.returncode == 0, (tmp_path / "console").read_text()
    assert (tmp_path / "output" / "smoke" / "templates" / "manifest.json").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"console", "data", "examples", "logs", "output"}


_WAIT = """
import sys, time, urllib.request
for _ in range(3000):
    try:
        urllib.request.urlopen(sys.argv[1] + "/ready"); sys.exit(0)
    except OSError:
        time.sleep(0.1)
sys.exit(1)
"""
