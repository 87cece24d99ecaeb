"""What is said of a start that failed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from serve_app.app import AppArgs
from serve_app.cli.server_driver import StartFailedError, object_store_bytes, one_line, reason

FAILED = """Deploying app 'render-server' failed:
ray::build_serve_application() (pid=1238, ip=192.0.2.2)
  File "serve_app/app.py", line 119, in build
    settings = Settings()
pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings
  it must be auto or direct [type=value_error]
    For further information visit https://errors.pydantic.dev/2/v/value_error
"""


def test_of_serves_traceback_the_exception_is_told_in_one_line() -> None:
    assert one_line(StartFailedError(reason(FAILED))) == (
        "pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings; it must be auto or direct [type=value_error]"
    )
    assert reason("no traceback") == "no traceback" and reason("") == ""


def test_a_wrong_argument_is_told_with_its_name_and_value() -> None:
    with pytest.raises(ValidationError) as caught:
        AppArgs.model_validate({"max_renderers": 0})
    assert one_line(caught.value) == "AppArgs: max_renderers: Input should be greater than or equal to 1; got 0"


def test_any_other_error_is_told_with_its_type() -> None:
    assert one_line(ModuleNotFoundError("No module named 'x'\nat all")) == "ModuleNotFoundError: No module named 'x'; at all"


@pytest.mark.parametrize(("free_mib", "expected_mib"), [(64 * 1024, None), (4000, 3600), (60, None)])
def test_the_object_store_fits_shared_memory(monkeypatch: pytest.MonkeyPatch, free_mib: int, expected_mib: int | None) -> None:
    """Of a machine of 64 GiB Ray would take 30 %, on the disk where that is more than there is; below its minimum that is left to it."""
    monkeypatch.setattr("serve_app.cli.server_driver.get_system_memory", lambda: 64 * 1024**3)
    real = os.statvfs("/")
    found = os.statvfs_result((1024**2, 1024**2, free_mib, free_mib, free_mib, *tuple(real)[5:]))
    monkeypatch.setattr(os, "statvfs", lambda path: found)
    assert object_store_bytes() == (None if expected_mib is None else expected_mib * 1024**2)


def test_without_shared_memory_the_object_store_is_rays_choice(tmp_path: Path) -> None:
    assert object_store_bytes(tmp_path / "none") is None
