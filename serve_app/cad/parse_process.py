"""The process that parses one CAD: ``python -m serve_app.cad.parse_process PATH MAX_BYTES MAX_MEMORY``.

A hostile or broken file can make a parser allocate or compute without end; here it dies alone. The result goes to
standard output in the form of ``transfer``.
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

from serve_app.cad.folder_resolver import read_regular_file
from serve_app.cad.parse import parse_cad
from serve_app.cad.transfer import dump_error, dump_parsed
from serve_app.errors import ServiceError


def main(arguments: list[str]) -> None:
    """Parse the CAD named in the arguments and write the result, or the refusal, to standard output."""
    path, max_bytes, max_memory = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    resource.setrlimit(resource.RLIMIT_AS, (max_memory, max_memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    result_stream = os.dup(1)
    os.dup2(2, 1)  # A parser that prints must not spoil the result.
    with os.fdopen(result_stream, "wb") as stream:
        stream.write(_parsed(path, max_bytes))


def _parsed(path: Path, max_bytes: int) -> bytes:
    try:
        data = read_regular_file(path, max_bytes)
        return dump_parsed(parse_cad(data, path.name, path.parent, max_bytes))
    except ServiceError as error:
        return dump_error(error)
    except FileNotFoundError:
        return dump_error(ServiceError("cad_not_found", "CAD file not found or invalid format: it is gone", "cad_path"))
    except PermissionError:
        return dump_error(ServiceError("cad_unreadable", "CAD file cannot be read: permission denied", "cad_path"))
    except OSError as error:
        return dump_error(ServiceError("cad_not_a_file", f"CAD file not found or invalid format: {error}", "cad_path"))
    except ValueError as error:
        return dump_error(ServiceError("cad_too_large", f"{error}; raise RENDER_MAX_CAD_BYTES to allow it", "cad_path"))
    except MemoryError:
        return dump_error(
            ServiceError("cad_too_large", "the CAD needs more memory than RENDER_CAD_MEMORY_BYTES allows; simplify it", "cad_path")
        )


if __name__ == "__main__":
    main(sys.argv[1:])
