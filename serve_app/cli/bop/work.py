"""Has the server render a dataset, and follows it: begins what is new, takes up what an earlier run began, leaves what is there."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from serve_app.cli.bop.order import Order
from serve_app.cli.bop.published import is_there
from serve_app.cli.client import Client, NoServerError, RefusedError
from serve_app.cli.exit_codes import UsageError
from serve_app.jobs.states import FINAL_STATES
from serve_app.templates.layouts.layout import Layout

_TICK_SEC = 0.5
_POLLED = 16
"""Jobs that are asked for at a time: a group's jobs run in order, so it is the first ones that change."""

_PATIENCE_SEC = 90.0
"""How long a server may not answer while jobs are followed: about as long as a new one takes to start in its place."""

_PASSING = (502, 503, 504)
"""What a server, or a proxy before one, answers while it starts or stops: as good as no answer."""

_MOST_ATTEMPTS = 100


@dataclass
class Outcome:
    """What becomes of one CAD.

    Attributes:
        order: what was asked.
        job_id: of its job; empty until there is one, and where the server refused it.
        state: of the job; ``pending`` before there is one, ``there`` where the files of an earlier run are in place, ``refused``.
        done: views rendered so far.
        views: views of the job; 0 until they are known.
        seconds: that the job has run.
        error: why there are no files, or empty.
        warnings: sentences of the server's.
        resumed: whether an earlier run began it.
    """

    order: Order
    job_id: str = ""
    state: str = "pending"
    done: int = 0
    views: int = 0
    seconds: float = 0.0
    error: str = ""
    warnings: list[str] = field(default_factory=list)
    resumed: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing more becomes of it."""
        return self.state in (*FINAL_STATES, "there", "refused")

    @property
    def published(self) -> bool:
        """Whether its files are in place."""
        return self.state in ("succeeded", "there")


class Watch(Protocol):
    """Shows how far the work is."""

    def say(self, text: str) -> None:
        """Something that happens once."""

    def ended(self, outcome: Outcome) -> None:
        """A CAD that nothing more becomes of."""

    def moved(self) -> None:
        """Something may have changed."""


class Work:
    """The CADs of one command.

    Args:
        client: of the server.
        layout: of the files.
        orders: one a CAD.
        group: under which its jobs share the renderers.
        again: whether everything is rendered anew, whatever is there.
    """

    def __init__(self, client: Client, layout: Layout, orders: Sequence[Order], group: str, *, again: bool = False) -> None:
        self._client, self._layout, self._group = client, layout, group
        self._again = f"{int(time.time())}" if again else ""
        self.outcomes = [Outcome(order) for order in orders]

    def run(self, watch: Watch) -> None:
        """Return when nothing more becomes of any CAD.

        Raises:
            NoServerError: the server has not answered for too long; its jobs are kept.
            UsageError: an option does not fit.
            RefusedError: it lets this client in no more, or has had a fault for too long.
        """
        to_begin, answered, not_before = deque(self.outcomes), time.monotonic(), 0.0
        while any(not outcome.ended for outcome in self.outcomes):
            try:
                while to_begin and time.monotonic() >= not_before:
                    wait = self._begin(to_begin[0])
                    if wait:
                        watch.say(f"{wait[1]}; the other {len(to_begin)} objects are sent when it lets them in")
                        not_before = time.monotonic() + wait[0]
                        break
                    self._tell(to_begin.popleft(), watch)
                for outcome in [each for each in self.outcomes if each.job_id and not each.ended][:_POLLED]:
                    self._follow(outcome)
                    self._tell(outcome, watch)
                answered = time.monotonic()
            except (NoServerError, RefusedError) as failure:
                if (isinstance(failure, RefusedError) and failure.status not in _PASSING) or time.monotonic() - answered > _PATIENCE_SEC:
                    raise
            watch.moved()
            if any(not outcome.ended for outcome in self.outcomes):
                time.sleep(_TICK_SEC)

    @property
    def going_on(self) -> int:
        """Jobs that the server still has to end."""
        return sum(bool(outcome.job_id) and not outcome.ended for outcome in self.outcomes)

    def _begin(self, outcome: Outcome) -> tuple[float, str] | None:
        """Have the server make a CAD's job, unless an earlier run has.

        Returns:
            Seconds after which the server may have room for it, and what it said; None when it is settled.
        """
        order = outcome.order
        for attempt in range(1, _MOST_ATTEMPTS):
            job_id = order.job_id(attempt) + (f"-{self._again}" if self._again else "")
            earlier = self._earlier(job_id)
            if earlier is None:
                return self._sent(outcome, job_id)
            if earlier["status"] not in FINAL_STATES:
                outcome.job_id, outcome.resumed = job_id, True
                self._take(outcome, earlier)
                return None
            added = tuple(order.body.get("outputs") or ())
            if earlier["status"] == "succeeded" and is_there(
                self._layout, order.folder, order.model.object_id, earlier["total_poses"], added
            ):
                self._take(outcome, earlier)
                outcome.state = "there"
                return None
        outcome.state, outcome.error = "refused", f"{_MOST_ATTEMPTS} jobs were made for it, and none has left its files"
        return None

    def _follow(self, outcome: Outcome) -> None:
        job = self._earlier(outcome.job_id)
        if job is None:
            outcome.state, outcome.error = "refused", f"the server knows job {outcome.job_id} no more"
        else:
            self._take(outcome, job)

    def _earlier(self, job_id: str) -> dict[str, Any] | None:
        try:
            job: dict[str, Any] = self._client.get(f"/jobs/{job_id}")
        except RefusedError as refusal:
            if refusal.code == "job_not_found":
                return None
            raise
        return job

    def _sent(self, outcome: Outcome, job_id: str) -> tuple[float, str] | None:
        try:
            self._client.put(f"/jobs/{job_id}", dict(outcome.order.body), group=self._group)
        except RefusedError as refusal:
            if refusal.retry_after_sec is not None and refusal.code != "output_busy":
                return refusal.retry_after_sec, refusal.detail
            if refusal.status in _PASSING:
                raise
            if refusal.code == "validation_error":  # Of the options, which all CADs share.
                raise UsageError(f"the server refused: {refusal.detail}") from refusal
            outcome.state, outcome.error = "refused", refusal.detail
            return None
        outcome.job_id, outcome.state = job_id, "queued"
        return None

    @staticmethod
    def _take(outcome: Outcome, job: dict[str, Any]) -> None:
        outcome.job_id, outcome.state = job["job_id"], job["status"]
        outcome.done, outcome.views = job["rendered_count"], job["total_poses"]
        outcome.seconds, outcome.warnings = job["processing_time"], list(job["warnings"])
        outcome.error = job.get("error_message") or ""

    @staticmethod
    def _tell(outcome: Outcome, watch: Watch) -> None:
        if outcome.ended:
            watch.ended(outcome)
