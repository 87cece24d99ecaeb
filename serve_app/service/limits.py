"""Everything that bounds the work, on one page; ``docs/limits.md`` says the same to operators.

A request passes these in order. At the second and third it is refused at once; at the others it, or its job, waits:

==========================  =============================  ====================================  ================================
limit                       set by                         bounds                                at the limit
==========================  =============================  ====================================  ================================
``ingress_requests``        Serve config, ``args``         HTTP requests open at once            it waits in Serve's proxy
``max_waiting_requests``    RENDER_MAX_WAITING_REQUESTS    requests that wait for their job      429 ``too_many_waiting``
``max_queued_jobs``         RENDER_MAX_QUEUED_JOBS         jobs that wait for a slot             429 ``queue_full``
``max_running_interactive``  renderers                     interactive jobs that run             the job stays ``queued``
``max_running_batch``       renderers                      other jobs that run                   the job stays ``queued``
``max_running_of_group``    constant                       jobs of one batch request that run    the job stays ``queued``
``max_cads_read``           cores                          CADs that are read at once            ``running``, no view yet
``max_large_cads_read``     cores                          large ones among them                 ``running``, no view yet
``max_batches_in_flight``   renderers                      view batches at the renderers         ``running``, its views wait
``max_untaken_batches``     constant                       batches whose views are not taken yet  ``running``, its views wait
==========================  =============================  ====================================  ================================

Serve's ``max_ongoing_requests`` of a ``RenderWorker`` is 1: a Blender renders one view batch at a time. Its queue is what the
autoscaler sees; Serve's ``max_queued_requests`` stays unlimited, since it would refuse view batches of accepted jobs.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_RUNNING_OF_GROUP = 2
"""One job of a batch renders while the next one's CAD is read."""

MIN_RUNNING = 4
"""Jobs that run at a time even with one renderer: CADs are read, files checked and copied beside the rendering."""

SPARE_BATCHES = 2
"""View batches in flight beyond one for each renderer: the queue that the autoscaler sees, and what a renderer takes without waiting."""


@dataclass(frozen=True)
class Limits:
    """The limits that depend on how many renderers there can be.

    Attributes:
        max_running_interactive: interactive jobs that run at a time.
        max_running_batch: other jobs that run at a time.
        max_running_of_group: jobs of one batch request that run at a time.
        max_batches_in_flight: view batches that are out at the renderers; more would make a new job wait behind an old one.
    """

    max_running_interactive: int
    max_running_batch: int
    max_running_of_group: int
    max_batches_in_flight: int

    @classmethod
    def for_renderers(cls, max_renderers: int) -> Limits:
        """The limits for so many renderers at most."""
        running = max(MIN_RUNNING, max_renderers // 4)
        return cls(
            max_running_interactive=running,
            # Few renderers: one batch keeps them busy, and more of it would only make its jobs end late together.
            max_running_batch=MAX_RUNNING_OF_GROUP if max_renderers < 8 else running,
            max_running_of_group=MAX_RUNNING_OF_GROUP,
            max_batches_in_flight=max_renderers + SPARE_BATCHES,
        )
