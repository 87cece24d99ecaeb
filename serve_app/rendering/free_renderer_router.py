"""Which renderer gets a batch: one that is known to be free, in the moment in which it is.

Serve's own router asks two renderers at random whether they are free, and where both are not it sleeps, ever longer, and asks two others.
When each takes one batch at a time, and all but one of many are busy, it asks for long, and the free one waits. But the ingress alone gives
them batches: so it knows when one ends, and need not ask.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Any

from ray.serve.request_router import FIFOMixin, PendingRequest, ReplicaID, RequestRouter, RunningReplica

LOOK_AGAIN_SEC = 1.0
"""A renderer may become free without a word: who was promised it has gone."""

PROMISE_SEC = 1.0
"""Who was promised a renderer calls it in the same moment; where that caller has gone, others may have it after this."""

BELIEVED_SEC = 10.0
"""A renderer that has had a call for so long is asked, when no other is free: the word of the call's end may have been lost."""

_ASKED = 2
"""Renderers of which nothing is known, or that somebody else keeps busy, as who asks for their status, are asked so many at a time."""


class FreeRendererRouter(FIFOMixin, RequestRouter):
    """Routes calls in the order in which they come, each to the first renderer that is free; a renderer takes one at a time."""

    def initialize_state(self, **kwargs: Any) -> None:
        """As ``RequestRouter.initialize_state``."""
        self._changed: asyncio.Event | None = None  # Made on the loop that routes.
        self._busy_until: dict[ReplicaID, float] = {}
        self._taken: set[ReplicaID] = set()

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        """As ``RequestRouter.choose_replicas``: a renderer that is free, or, where none is known to be, some that Serve then asks.

        While all are busy, this waits until one is not.
        """
        if self._changed is None:
            self._changed = asyncio.Event()
        if pending_request is not None:  # Where those who are asked are busy, Serve pauses before it comes here again.
            pending_request.routing_context.should_backoff = True
        while not (chosen := self._choice()):
            self._changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), LOOK_AGAIN_SEC)
        return [chosen]

    def _choice(self) -> list[RunningReplica]:
        now, unknown = self._get_curr_time_s(), []
        for replica in self.curr_replicas.values():
            busy_until = self._busy_until.get(replica.replica_id, 0.0)
            if busy_until > now:
                continue
            length = self.replica_queue_len_cache.get(replica.replica_id)
            if length is not None and length < replica.max_ongoing_requests:
                self._busy_until[replica.replica_id] = now + PROMISE_SEC
                return [replica]
            if length is None or not busy_until:  # Otherwise it has just been asked.
                unknown.append(replica)
        return random.sample(unknown, min(_ASKED, len(unknown)))

    def on_send_request(self, replica_id: ReplicaID) -> None:
        """As ``RequestRouter.on_send_request``: its promise is kept, and it is busy."""
        super().on_send_request(replica_id)
        self._busy_until[replica_id] = self._get_curr_time_s() + BELIEVED_SEC

    def on_request_routed(self, pending_request: PendingRequest, replica_id: ReplicaID, result: Any) -> None:
        """As ``RequestRouter.on_request_routed``: a renderer has taken its call, and not refused it."""
        super().on_request_routed(pending_request, replica_id, result)
        self._taken.add(replica_id)

    def on_request_completed(self, replica_id: ReplicaID, internal_request_id: str) -> None:
        """As ``RequestRouter.on_request_completed``, which comes once for each call that was sent, whatever became of it."""
        super().on_request_completed(replica_id, internal_request_id)
        self._busy_until.pop(replica_id, None)
        if replica_id in self._taken:  # Serve comes to the same a moment later, and in that moment the renderer would be asked.
            self._taken.remove(replica_id)
            self.replica_queue_len_cache.update(replica_id, 0)
        self._tell()

    def update_replicas(self, replicas: list[RunningReplica]) -> None:
        """As ``RequestRouter.update_replicas``: there are others."""
        super().update_replicas(replicas)
        for replica_id in self._busy_until.keys() - self.curr_replicas.keys():
            del self._busy_until[replica_id]
        self._taken &= self.curr_replicas.keys()
        self._tell()

    def _tell(self) -> None:
        if self._changed is not None:
            self._changed.set()
