"""What is said of a start that failed."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from serve_app.app import AppArgs
from serve_app.cli.server_driver import StartFailedError, one_line, reason

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
