"""A job that is ready to render: what its templates are made of, and where they are collected."""

from __future__ import annotations

from dataclasses import dataclass

from render_actor.contract.scene import TemplateScene
from serve_app.base.logs import JobLog
from serve_app.cad.loader import LoadedCad
from serve_app.jobs.job import Job
from serve_app.templates.staging import StagingFolder


@dataclass(frozen=True)
class PreparedJob:
    """A job whose CAD is read and whose scene is decided.

    Attributes:
        job: the job.
        cad: what is rendered.
        scene: how.
        key: ``rendering_key`` of both: equal keys are equal templates.
        staging: where the files are collected.
        log: the job's own.
    """

    job: Job
    cad: LoadedCad
    scene: TemplateScene
    key: str
    staging: StagingFolder
    log: JobLog
