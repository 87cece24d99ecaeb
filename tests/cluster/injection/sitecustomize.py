"""Loaded by every process of a cluster under test: notes which GPUs a Blender's process and its shell were given. It changes nothing."""

from __future__ import annotations

import importlib.abc
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("FAULT_FOLDER", "/nonexistent"))
_WATCHED = {"render_actor.blender.actor": ("BlenderActor", "warm_up"), "render_actor.worker.worker": ("RenderWorker", "status")}


def _noting(kind: str, method: Any) -> Any:
    def noting(self: Any) -> Any:
        import ray

        (FOLDER / f"gpus-{kind}-{os.getpid()}").write_text(
            json.dumps({"given": [str(gpu) for gpu in ray.get_gpu_ids()], "visible": os.environ.get("CUDA_VISIBLE_DEVICES")})
        )
        return method(self)

    return noting


class _Patcher(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in _WATCHED:
            return None
        kind, method = _WATCHED.pop(name)
        spec: Any = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def execute_and_patch(module: Any) -> None:
            execute(module)
            watched = getattr(module, kind)
            setattr(watched, method, _noting(kind, getattr(watched, method)))

        spec.loader.exec_module = execute_and_patch
        return spec


sys.meta_path.insert(0, _Patcher())
