"""The process that reads one CAD: ``python -m serve_app.cad.sandbox.process PATH LIMITS OPTIONS SECONDS RESULT``.

A hostile or broken file can make a reader allocate or compute without end; here it dies alone. RESULT is the number
of a file descriptor that the outcome goes to, in the form of ``transfer``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from serve_app.base.errors import ServiceError
from serve_app.base.regular_file import read_regular_file
from serve_app.cad.limits import CadLimits
from serve_app.cad.parse import ParsedCad, parse_cad
from serve_app.cad.read_options import WHOLE, ReadOptions
from serve_app.cad.refusals import invalid
from serve_app.cad.sandbox.confinement import confine, limit_resources
from serve_app.cad.sandbox.transfer import dump_error, dump_parsed

_NICENESS = 5
"""Added to the process's: whoever asks the server something comes first."""

UNEXPECTED = "its reader failed on it"


def main(arguments: list[str]) -> None:
    """Read the CAD named in the arguments and write the result, or the refusal."""
    path, limits, options = Path(arguments[0]), CadLimits.from_json(arguments[1]), ReadOptions.from_json(arguments[2])
    seconds, result = float(arguments[3]), int(arguments[4])
    os.nice(_NICENESS)
    limit_resources(limits.memory, seconds)
    confine(path.parent)
    with os.fdopen(result, "wb") as stream:
        try:
            outcome = read_cad(path, limits, options)
            if isinstance(outcome, ServiceError):
                dump_error(outcome, stream)
            else:
                dump_parsed(outcome, stream)
        except MemoryError:
            stream.seek(0)
            stream.truncate()
            dump_error(out_of_memory(), stream)


def read_cad(path: Path, limits: CadLimits, options: ReadOptions = WHOLE) -> ParsedCad | ServiceError:
    """Read a CAD file; whatever is wrong with it becomes a refusal that names no path.

    Args:
        path: links resolved.
        limits: what it may cost.
        options: what is wanted of it.
    """
    try:
        return parse_cad(read_regular_file(path, limits.max_bytes), path.suffix, path.parent, limits, options)
    except ServiceError as error:
        return error
    except MemoryError:
        return out_of_memory()
    except FileNotFoundError:
        return ServiceError("cad_not_found", "CAD file not found or invalid format: it is gone", "cad_path")
    except PermissionError:
        return ServiceError("cad_unreadable", "the CAD file cannot be read by the server: permission denied", "cad_path")
    except OSError as error:
        return ServiceError("cad_not_a_file", f"CAD file not found or invalid format: {error.strerror or 'it cannot be read'}", "cad_path")
    except ValueError as error:
        return ServiceError("cad_too_large", f"the CAD is too large: {error}; have the operator raise RENDER_MAX_CAD_BYTES", "cad_path")
    except Exception as error:
        # A reader's own fault, for our log; the client learns what it can do about it.
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        return invalid(f"{UNEXPECTED} ({type(error).__name__}); save it anew from a CAD program")


def out_of_memory() -> ServiceError:
    """The refusal of a CAD that does not fit the memory that reading it may take."""
    return ServiceError(
        "cad_too_large", "the CAD is too large: it needs more memory than RENDER_CAD_MEMORY_BYTES allows; simplify it", "cad_path"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
