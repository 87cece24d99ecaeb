"""A job that is ready to render: what its templates are made of, and where they are collected."""

from __future__ import annotations

from dataclasses import dataclass

from render_actor.contract.file_kinds import TEMPLATE, WantedFiles
from render_actor.contract.scene import TemplateScene
from serve_app.base.logs import JobLog
from serve_app.cad.loader import LoadedCad
from serve_app.jobs.job import Job
from serve_app.templates.layouts.layout import Layout
from serve_app.templates.layouts.registry import DEFAULT
from serve_app.templates.staging import StagingFolder


@dataclass(frozen=True)
class PreparedJob:
    """A job whose CAD is read and whose scene is decided.

    Attributes:
        job: the job.
        cad: what is rendered.
        scene: how.
        key: ``rendering_key`` of both: of equal keys, files of the same kind are equal.
        staging: where the files are collected.
        wanted: the files that are made of each view.
        layout: what becomes of them.
        log: the job's own.
    """

    job: Job
    cad: LoadedCad
    scene: TemplateScene
    key: str
    staging: StagingFolder
    log: JobLog
    wanted: WantedFiles = TEMPLATE
    layout: Layout = DEFAULT
