"""Tells a client which views are further from the converged image than the quality promises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from render_actor.contract.scene import Quality
from render_actor.contract.view_quality import ViewQuality

_MAX_NAMED = 8
"""Views that a warning names; the manifest has all of them."""


def missed_bounds(quality: Quality, views: Mapping[int, ViewQuality]) -> list[str]:
    """At most one sentence for the client, which names the worst views first.

    Args:
        quality: that was asked for.
        views: of the job, by index.
    """
    missed = [
        (found.estimated_error, found.error_bound, view, found.samples)
        for view, found in views.items()
        if found.bound_missed and found.estimated_error is not None and found.error_bound is not None
    ]
    if not missed:
        return []
    missed.sort(key=lambda one: (one[1] - one[0], one[2]))
    named = missed[:_MAX_NAMED]
    errors, bounds, indices, samples = (_listed(values) for values in zip(*named, strict=True))
    more = f" and {len(missed) - _MAX_NAMED} more" if len(missed) > _MAX_NAMED else ""
    one_bound = len({bound for _, bound, _, _ in missed}) == 1
    if len({count for *_, count in named}) == 1:
        samples = str(named[0][-1])
    promised = f"the error bound of {quality}" + (f" ({missed[0][1]:g} of 255)" if one_bound else "")
    found = f"estimated error{_s(missed)} {errors}" + ("" if one_bound else f" of 255, bounds {bounds}")
    return [
        f"view{_s(missed)} {indices}{more}: {promised} was not reached with {samples} samples a pixel, its cap or where more bring little; "
        f"{found}; the request may ask for more `samples`"
    ]


def _listed(numbers: Iterable[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def _s(many: list[tuple[float, float, int, int]]) -> str:
    return "s" if len(many) > 1 else ""
