"""What the server tells, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from render_server_client.errors import JobFailedError

Status = Literal["queued", "running", "succeeded", "failed", "canceled", "timeout"]

FINAL: frozenset[str] = frozenset(("succeeded", "failed", "canceled", "timeout"))

EventKind = Literal["queued", "started", "view", "warning", "finished", "removed"]


@dataclass(frozen=True)
class Job:
    """A job as it was when the server was asked.

    Attributes:
        id: of the job.
        status: ``queued``, ``running``, ``succeeded``, ``failed``, ``canceled`` or ``timeout``.
        rendered: views that are done.
        total: views of the job; 0 until its cameras are known.
        seconds: that it has run.
        cad_path: as the server knows the CAD.
        output_dir: as the server knows the folder; see ``fetched``.
        templates_dir: folder of the files, as the server knows it.
        warnings: sentences about the CAD, the options and the views.
        error: why it did not succeed, or None.
        error_code: machine-readable; empty without an error.
        error_field: of the request that the error is about, or None.
        waiting_for: what holds it up, or None.
        cached: whether its files are copies of an earlier rendering of the same.
        record: the server's whole answer.
    """

    id: str
    status: str
    rendered: int = 0
    total: int = 0
    seconds: float = 0.0
    cad_path: str = ""
    output_dir: str = ""
    templates_dir: str = ""
    warnings: tuple[str, ...] = ()
    error: str | None = None
    error_code: str = ""
    error_field: str | None = None
    waiting_for: str | None = None
    cached: bool = False
    record: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Job:
        """From an answer of the server; what it does not tell keeps its default."""
        error = record.get("error") or {}
        return cls(
            id=record["job_id"],
            status=record["status"],
            rendered=record.get("rendered_count", 0),
            total=record.get("total_poses", 0),
            seconds=record.get("processing_time", 0.0),
            cad_path=record.get("cad_path") or "",
            output_dir=record.get("output_dir") or "",
            templates_dir=record.get("templates_dir") or "",
            warnings=tuple(record.get("warnings", ())),
            error=record.get("error_message"),
            error_code=error.get("code", ""),
            error_field=error.get("field"),
            waiting_for=record.get("waiting_for"),
            cached=record.get("cached", False),
            record=record,
        )

    @property
    def ended(self) -> bool:
        """Whether nothing more becomes of it. A ``timeout`` without an error is only a wait that timed out."""
        return self.status in FINAL

    @property
    def succeeded(self) -> bool:
        """Whether its results are there."""
        return self.status == "succeeded"

    @property
    def fetched(self) -> bool:
        """Whether it has no folder of the client's: the server keeps its results for a while, to be fetched."""
        return self.output_dir.startswith("results:")

    def check(self) -> Job:
        """The job itself, where it has succeeded.

        Raises:
            JobFailedError: it has ended otherwise.
        """
        if self.ended and not self.succeeded:
            raise JobFailedError(self)
        return self


JobOrId = Job | str


def id_of(job: JobOrId) -> str:
    """The id of a job, however it was given."""
    return job if isinstance(job, str) else job.id


@dataclass(frozen=True)
class Event:
    """Something that has happened to a job.

    Attributes:
        kind: ``queued`` (``data`` has its position), ``started``, ``view`` (one is done), ``warning``, ``finished``, ``removed``.
        job_id: of the job.
        data: what the server told with it.
        id: of the event, to go on after it; empty where the server was polled.
    """

    kind: str
    job_id: str
    data: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""


@dataclass(frozen=True)
class CadInfo:
    """What a CAD is, before anything is rendered of it.

    Attributes:
        format: ending of the file's name.
        unit: that its coordinates were taken to be in.
        unit_from: who has said so: ``file``, ``request``, or ``assumed``.
        size_mm: extents along x, y and z.
        diameter_mm: largest distance of two vertices.
        faces: triangles.
        parts: names of the parts of an assembly.
        assumed: what a job takes for granted unless its options say otherwise.
        warnings: what may not be as its owner meant it.
        record: the server's whole answer.
    """

    format: str
    unit: str
    unit_from: str
    size_mm: tuple[float, float, float]
    diameter_mm: float
    faces: int
    parts: tuple[str, ...]
    assumed: tuple[str, ...]
    warnings: tuple[str, ...]
    record: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> CadInfo:
        """From an answer of the server."""
        x, y, z = record["size_mm"]
        return cls(
            format=record["format"],
            unit=record["unit"],
            unit_from=record["unit_from"],
            size_mm=(x, y, z),
            diameter_mm=record["diameter_mm"],
            faces=record["faces"],
            parts=tuple(part["name"] for part in record.get("parts", ())),
            assumed=tuple(record.get("assumed", ())),
            warnings=tuple(record.get("warnings", ())),
            record=record,
        )


@dataclass(frozen=True)
class Upload:
    """Files that the server keeps for a while.

    Attributes:
        id: to name them by in a request.
        cads: names of the CADs among them.
        expires_at: Unix seconds after which they are gone; None where the server does not say.
    """

    id: str
    cads: tuple[str, ...]
    expires_at: float | None

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Upload:
        """From an answer of the server."""
        return cls(record["upload_id"], tuple(record.get("cads", ())), record.get("expires_at"))
