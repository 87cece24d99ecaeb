"""A Blender in a process of its own that answers a line of JSON to each line it is sent."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any


class EndedError(RuntimeError):
    """A process ended before it answered."""


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
            code = self._process.wait()
            raise EndedError(f"a benchmark process ended with exit code {code}: {self._errors.read_text()[-2000:]}")
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


def answers(module: str, cad: Path, output: Path, num_gpus: float, resolution: int, lines: Sequence[str]) -> list[dict[str, Any]]:
    """The answers of one ``Child`` to some lines; of another one where it ends, since Blender crashes now and then.

    Raises:
        EndedError: both ended.
    """
    try:
        return _asked(module, cad, output, num_gpus, resolution, lines)
    except EndedError as error:
        sys.stderr.write(f"{error}; another one is asked\n")
        return _asked(module, cad, output, num_gpus, resolution, lines)


def _asked(module: str, cad: Path, output: Path, num_gpus: float, resolution: int, lines: Sequence[str]) -> list[dict[str, Any]]:
    with Child(module, cad, output, num_gpus, resolution) as child:
        return [child.ask(line) for line in lines]
