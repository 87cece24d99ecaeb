"""A Blender in a process of its own that answers a line of JSON to each line it is sent."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any


class Child:
    """``python -m MODULE CAD OUTPUT GPUS RESOLUTION``; a context manager that ends it.

    Args:
        module: to run.
        cad: what it renders.
        output: folder for its files and its log.
        num_gpus: 0 for the CPU.
        resolution: width and height of its images.
    """

    def __init__(self, module: str, cad: Path, output: Path, num_gpus: float, resolution: int = 512) -> None:
        output.mkdir(parents=True, exist_ok=True)
        with (output / f"{module}.err").open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, str(cad.resolve()), str(output.resolve()), str(num_gpus), str(resolution)],
                cwd=Path(__file__).parents[1],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._errors = output / f"{module}.err"
        self.hello = self._answer()

    def ask(self, line: str) -> dict[str, Any]:
        """The answer to a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise RuntimeError(f"a benchmark process ended: {self._errors.read_text()[-2000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
