"""Which renderer gets a batch: one that is known to be free, in the moment in which it is.

Serve's own router asks two renderers at random whether they are free, and where both are not it sleeps, ever longer, and asks two others.
When each takes one batch at a time, and all but one of many are busy, it asks for long, and the free one waits. But the ingress alone gives
them batches: so it knows when one ends, and need not ask.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from ray.exceptions import ActorDiedError
from ray.serve.request_router import FIFOMixin, PendingRequest, ReplicaID, RequestRouter, RunningReplica

from serve_app.base.aio import spawn

LOOK_AGAIN_SEC = 1.0
"""A renderer may become free without a word: who was promised it has gone."""

PROMISE_SEC = 1.0
"""Who was promised a renderer calls it in the same moment; where that caller has gone, others may have it after this."""

BELIEVED_SEC = 10.0
"""A renderer that has had a call for so long is asked, when no other is free: the word of the call's end may have been lost."""

ASK_AGAIN_SEC = 0.05
"""A renderer that somebody else keeps busy, as who asks for its status or an ingress that was replaced, is asked again after this."""

_ANSWER_SEC = 1.0


class FreeRendererRouter(FIFOMixin, RequestRouter):
    """Routes calls in the order in which they come, each to the first renderer that is free; a renderer takes one at a time.

    Serve searches for several calls at once, gives what any search has found to the first of all calls, and drops that call's own search.
    So here one search goes on at a time: two that wake up together would each take a renderer, and one of them for nobody.
    """

    def initialize_state(self, **kwargs: Any) -> None:
        """As ``RequestRouter.initialize_state``."""
        self._changed, self._turn = asyncio.Event(), asyncio.Lock()
        self._busy_until: dict[ReplicaID, float] = {}
        self._ask_at: dict[ReplicaID, float] = {}
        self._taken: set[ReplicaID] = set()
        self._asking: set[asyncio.Task[None]] = set()

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        """As ``RequestRouter.choose_replicas``: a renderer that is free; while there is none, this waits."""
        async with self._turn:
            while True:
                self._changed.clear()
                free, unknown = self._sorted()
                if free is not None:
                    self._busy_until[free.replica_id] = time.monotonic() + PROMISE_SEC
                    return [[free]]
                for replica in unknown:
                    self._ask_if_due(replica)
                with suppress(TimeoutError):  # Not by `wait_for`: it may miss that the search is dropped, and would promise for nobody.
                    async with asyncio.timeout(ASK_AGAIN_SEC if unknown else LOOK_AGAIN_SEC):
                        await self._changed.wait()

    def _sorted(self) -> tuple[RunningReplica | None, list[RunningReplica]]:
        """The first that is free, and those of which nothing is known or that somebody else keeps busy."""
        now, unknown = time.monotonic(), []
        for replica in self.curr_replicas.values():
            if self._busy_until.get(replica.replica_id, 0.0) > now:
                continue
            length = self.replica_queue_len_cache.get(replica.replica_id)
            if length is not None and length < replica.max_ongoing_requests:
                return replica, []
            unknown.append(replica)
        return None, unknown

    def _ask_if_due(self, replica: RunningReplica) -> None:
        """Have a renderer asked how many calls it has; nobody waits for it, as another one may become free before it answers."""
        now = time.monotonic()
        if self._ask_at.get(replica.replica_id, 0.0) > now:
            return
        self._ask_at[replica.replica_id] = now + 2 * _ANSWER_SEC
        asking = spawn(self._ask(replica))
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)

    async def _ask(self, replica: RunningReplica) -> None:
        replica_id = replica.replica_id
        try:
            length = await asyncio.wait_for(replica.get_queue_len(deadline_s=_ANSWER_SEC), _ANSWER_SEC)
        except ActorDiedError:
            self.on_replica_actor_died(replica_id)
        except Exception:  # Ray raises many types where a renderer cannot be reached; Serve finds out what has become of it.
            self._ask_at[replica_id] = time.monotonic() + _ANSWER_SEC
        else:
            self._ask_at[replica_id] = time.monotonic() + ASK_AGAIN_SEC
            self.replica_queue_len_cache.update(replica_id, length)
        self._tell()

    def on_send_request(self, replica_id: ReplicaID) -> None:
        """As ``RequestRouter.on_send_request``: its promise is kept, and it is busy."""
        super().on_send_request(replica_id)
        self._busy_until[replica_id] = time.monotonic() + BELIEVED_SEC

    def on_request_routed(self, pending_request: PendingRequest, replica_id: ReplicaID, result: Any) -> None:
        """As ``RequestRouter.on_request_routed``: a renderer has taken its call, and not refused it."""
        super().on_request_routed(pending_request, replica_id, result)
        self._taken.add(replica_id)

    def on_request_completed(self, replica_id: ReplicaID, internal_request_id: str) -> None:
        """As ``RequestRouter.on_request_completed``: a call has ended. Where it was taken, ``decrement_queue_len_cache`` comes as well."""
        super().on_request_completed(replica_id, internal_request_id)
        if replica_id not in self._taken:
            self._end(replica_id)

    def decrement_queue_len_cache(self, replica_id: ReplicaID) -> None:
        """As ``RequestRouter.decrement_queue_len_cache``: a call that was taken has ended."""
        super().decrement_queue_len_cache(replica_id)
        self._taken.discard(replica_id)
        self._end(replica_id)

    def _end(self, replica_id: ReplicaID) -> None:
        self._busy_until.pop(replica_id, None)
        self._tell()

    def update_replicas(self, replicas: list[RunningReplica]) -> None:
        """As ``RequestRouter.update_replicas``: there are others."""
        super().update_replicas(replicas)
        for known in (self._busy_until, self._ask_at):
            for replica_id in known.keys() - self.curr_replicas.keys():
                del known[replica_id]
        self._taken &= self.curr_replicas.keys()
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
