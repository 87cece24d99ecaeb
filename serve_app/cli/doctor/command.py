"""``render-server doctor``: can this machine run a server, and how well? Each finding with its remedy."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Iterator

from pydantic import ValidationError

from serve_app.base.settings import Settings, wrong_setting
from serve_app.cli.doctor.finding import Finding
from serve_app.cli.doctor.machine import gpu, memory, python, sandbox, shared_memory, system_libraries
from serve_app.cli.doctor.places import folders, job_store, ports, ray_token
from serve_app.cli.doctor.places import key as api_key
from serve_app.cli.exit_codes import FAILED
from serve_app.cli.messages import error, success, warning

_OF_THE_MACHINE: tuple[Callable[[], Iterator[Finding]], ...] = (python, system_libraries, memory, sandbox)
_OF_THE_SETTINGS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    gpu,
    shared_memory,
    folders,
    job_store,
    ports,
    api_key,
    ray_token,
)


def doctor(arguments: argparse.Namespace) -> None:
    """Print what was found; exit code 1 where a server would not work."""
    found = []
    for finding in findings():
        found.append(finding)
        if not arguments.json:
            {"ok": success, "warning": warning, "error": error}[finding.level](str(finding))
    if arguments.json:
        print(json.dumps([dataclasses.asdict(finding) for finding in found], indent=1))
    if any(finding.level == "error" for finding in found):
        sys.exit(FAILED)


def findings() -> Iterator[Finding]:
    """Everything that is looked at, one after the other."""
    for look in _OF_THE_MACHINE:
        yield from look()
    try:
        settings = Settings()
    except ValidationError as failure:
        yield Finding("settings", "error", wrong_setting(failure), "mend it: the rest was not looked at")
        return
    for look_with in _OF_THE_SETTINGS:
        yield from look_with(settings)
