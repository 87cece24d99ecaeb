"""What pyproject.toml cannot say: the wheel also holds the configs and the examples, and what Ray reads before any config."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
BUNDLED = ("serve_config.yaml", "cluster", "examples")
"""Of the project's folder; `serve_app.base.bundled` finds them where the package is installed."""


class BuildWithFiles(build_py):
    """Copies them into the package; an editable install finds them where they are."""

    def run(self) -> None:
        """Build the packages, then add the files."""
        super().run()
        if self.editable_mode:
            return
        library = Path(self.build_lib)
        folder = library / "serve_app" / "bundled"
        shutil.rmtree(folder, ignore_errors=True)
        for name in BUNDLED:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
            else:
                shutil.copy(ROOT / name, target)
        line: str = runpy.run_path(str(ROOT / "tools" / "ray_defaults.py"))["LINE"]
        (library / "render_server_ray.pth").write_text(line)


setup(cmdclass={"build_py": BuildWithFiles})
