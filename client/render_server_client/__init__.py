"""Client of the Render Server: a CAD in, SAM-6D templates out as numpy arrays.

``Client`` for programs that wait, ``AsyncClient`` for asyncio; both know the same calls.
"""

from render_server_client.aio import AsyncClient
from render_server_client.client import Client
from render_server_client.errors import FilesError, JobFailedError, NoServerError, RefusedError, RenderServerError, WaitTimeoutError
from render_server_client.models import CadInfo, Event, Job, Upload
from render_server_client.templates import Templates

__all__ = [
    "AsyncClient",
    "CadInfo",
    "Client",
    "Event",
    "FilesError",
    "Job",
    "JobFailedError",
    "NoServerError",
    "RefusedError",
    "RenderServerError",
    "Templates",
    "Upload",
    "WaitTimeoutError",
]
