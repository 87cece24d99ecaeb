"""Entry point of ``render-server``."""

from __future__ import annotations

import os
import sys

from pydantic import ValidationError

from render_server_client import NoServerError, RefusedError, RenderServerError
from serve_app.base.api_key import UnusableKeyError
from serve_app.base.settings import wrong_setting
from serve_app.cli.exit_codes import FAILED, INTERRUPTED, NO_SERVER, PIPE_CLOSED, WRONG_USE, UsageError
from serve_app.cli.messages import CommandError, error
from serve_app.cli.parser import make_parser


def main() -> None:
    """Run a command; one ``[ERROR]`` line and an exit code of ``exit_codes`` when it fails."""
    try:
        code = _code()
        sys.stdout.flush()
    except BrokenPipeError:
        # Who read the output, such as `head`, has seen enough. Python flushes once more when it ends: into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = PIPE_CLOSED
    sys.exit(code)


def _code() -> int:
    arguments = make_parser().parse_args()
    try:
        arguments.run(arguments)
    except UsageError as failure:
        return _told(str(failure), WRONG_USE)
    except (CommandError, UnusableKeyError) as failure:
        return _told(str(failure), FAILED)
    except RenderServerError as failure:
        unreached = isinstance(failure, NoServerError) or (isinstance(failure, RefusedError) and failure.code == "unauthorized")
        return _told(str(failure), NO_SERVER if unreached else FAILED)
    except ValidationError as failure:
        return _told(wrong_setting(failure), FAILED)
    except KeyboardInterrupt:
        return _told("interrupted", INTERRUPTED)
    return 0


def _told(text: str, code: int) -> int:
    error(text)
    return code


if __name__ == "__main__":
    main()
