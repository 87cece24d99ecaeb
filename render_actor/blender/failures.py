"""What clients are told of a Blender that does not start or does not render."""

from __future__ import annotations

import traceback

from render_actor.contract.types import Failure
from render_actor.process.public_message import public_message

START_FAILED = "Failed to initialize BlenderProc"
OUT_OF_MEMORY = "Out of memory during rendering"

_MAX_PRINTED_CHARS = 2000


def start_failure(error: Exception, printed: str) -> Failure:
    """A Blender could not be set up.

    Args:
        error: what was raised.
        printed: what Blender wrote meanwhile; its end goes into the cause.
    """
    cause = f"{''.join(traceback.format_exception(error))}\n{printed[-_MAX_PRINTED_CHARS:]}"
    return Failure("renderer_start_failed", f"{START_FAILED}: {public_message(error)}{_remedy(error)}", cause=cause)


def render_failure(error: Exception) -> Failure:
    """A Blender that is set up raised an error while it rendered."""
    cause = "".join(traceback.format_exception(error))
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return Failure("out_of_memory", f"{OUT_OF_MEMORY}; use a lower resolution or fewer renderers a machine", cause=cause)
    return Failure("render_failed", f"Blender failed to render: {type(error).__name__}; the job's log says more", cause=cause)


def _remedy(error: Exception) -> str:
    if isinstance(error, ImportError) and ".so" in str(error):
        return "; install the system libraries that Blender needs (docs/install.md; `render-server check` names them)"
    return ""
