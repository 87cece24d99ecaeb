"""Foresees how many samples a view needs, and decides by it which rays of our own are worth casting."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.error_bound import ErrorBound
from render_actor.view.error_estimate import EXPONENT

_DENOISED_LEFT = 1.5
"""Of the noise that the guide does not explain the denoiser leaves less than of the whole: about this power."""

_SAMPLES_OF_GUIDE = 8
"""Samples of each pixel that cost as much as the rays and denoising again: the guide is followed where it likely spares more."""

_CLEARLY = 0.4
"""Of the error to reach at once, what is hoped of the guide: where that was more, it was reached in none of 13 views (47 CADs)."""

_SAMPLES_OF_DIRECT = 2
"""The same of the rays to the lamp."""

_SPARED_BY_DIRECT, _SOME_PIXELS = 7, 2000
"""The direct light and its denoising cost as much as 5 to 18 samples of each of the object's pixels (23 CADs). Of
few pixels, too little is known: with 200 and 1,700 of them, views had 1.4 of 255 where 0.9 were told."""

_ROOM = 0.9
"""Of the error that is accepted, at most: the rest needs some of it, too."""

_MOSTLY_DIRECT = 0.95
"""Part of the noise, as a standard deviation, that may be of other light: of mirrors and gloss, rays to the lamp tell nothing."""

_STOCK_PROCEDURE, _HARD_FOR_STOCK = 50, 0.7
"""Samples of the stock procedure; and the part of the bound above which its own error must likely be."""

_FORESEEN, _SURELY = 1.2, 0.42
"""Times what is foreseen of the stock procedure's error: so much a view may have where rays to the lamp do not tell enough, and so much it
has in any case. From 8 samples, 0.7 to 2.3 times the true one is foreseen (65 views of 47 CADs that it leaves above 1.3 of 255)."""

_FEW, _OF_FEW, _LARGE, _FALLS_FASTER = 8, 0.8, 2.0, 0.4
"""From fewer, up to 3.6 times: large errors are of what is finer than a pixel, and fall faster. So much of it is taken, and this power of
what is above the large."""

_FOR_WANT_OF_LAMP_RAYS, _SPARE = (0.4, 0.5), 0.85
"""Of the error that is accepted, so much may stay for want of rays to the lamp, at least and at most: as much as the rest leaves of it,
with something to spare."""

_FEW_RAYS = 1.4
"""Where the rays to the lamp cannot bring a view within its bound, samples are taken until the error is this many times the rays': more
would change little."""


def guide_is_worth_it(noise_left: float, error: float, taken: int, most: int, bound: ErrorBound, within: float | None = None) -> bool:
    """Whether the guide likely spares more samples than it costs, and brings a view within reach of its bound, or at once ``within``.

    Args:
        noise_left: the part of the noise that it does not explain, see ``Slopes.noise_left``.
        error: with the samples that were taken.
        taken: their number.
        most: samples that the view may take.
        bound: of the error.
        within: error to reach without further samples; None for one within reach.
    """
    hoped = error * noise_left**_DENOISED_LEFT
    near = hoped * (taken / most) ** EXPONENT < bound.every_view if within is None else hoped <= _CLEARLY * within
    return near and needed(error, taken, bound) - needed(hoped, taken, bound) >= _SAMPLES_OF_GUIDE


def direct_is_worth_it(error: float, hoped: float, taken: int, most: int, mask: NDArray[np.bool_], bound: ErrorBound) -> bool:
    """Whether the direct light likely spares samples, in a view that the stock procedure likely leaves near its bound or above it.

    Of few pixels, little tells how far rays and samples are apart; and their samples cost next to nothing.
    """
    if int(mask.sum()) < _SOME_PIXELS:
        return False
    spared = min(needed(error, taken, bound), most) - min(needed(hoped, taken, bound), most)
    return stock_error(error, taken) > _HARD_FOR_STOCK * bound.accepted and spared >= _SAMPLES_OF_DIRECT


def direct_is_cheaper(left: float, error: float, taken: int, most: int, mask: NDArray[np.bool_], bound: ErrorBound) -> bool:
    """Whether a view needs so many more samples that the direct light would cost less, if it told all that is missing.

    Of few pixels, little tells how far rays and samples are apart; and their samples cost next to nothing.
    """
    spared = min(needed(error, taken, bound), most) - taken
    return mostly_direct(left, mask) and spared >= _SPARED_BY_DIRECT


def mostly_direct(left: float, mask: NDArray[np.bool_]) -> bool:
    """Whether the direct light may spare samples at all; ``left`` as ``noise_left`` tells it."""
    return left <= _MOSTLY_DIRECT and int(mask.sum()) >= _SOME_PIXELS


def room_for_direct(rest: float, bound: ErrorBound) -> float:
    """The error that the direct light may have, beside that of the rest."""
    least, most = (part * bound.accepted for part in _FOR_WANT_OF_LAMP_RAYS)
    return min(max(math.sqrt(max((_SPARE * bound.accepted) ** 2 - rest**2, 0.0)), least), most)


def most_hidden(bound: ErrorBound) -> float:
    """The error of the direct light with which it is of use in a view that must be within its bound."""
    return _ROOM * bound.accepted


def stock_error(error: float, taken: int) -> float:
    """The error that the stock procedure likely leaves in a view which has this one after so many plain samples."""
    foreseen = error * (taken / _STOCK_PROCEDURE) ** EXPONENT
    if taken >= _FEW:
        return foreseen
    return _OF_FEW * (foreseen if foreseen <= _LARGE else _LARGE * (foreseen / _LARGE) ** _FALLS_FASTER)


def sure_stock_error(error: float, taken: int) -> float:
    """What the stock procedure's error in such a view is at least: no view is promised to be nearer than that."""
    return _SURELY * stock_error(error, taken)


def enough(bound: ErrorBound, hidden: float, stock: float) -> float:
    """The error at which a view is done whose direct light is known: its bound, or what is promised where rays cannot bring it there.

    Args:
        bound: of the error.
        hidden: error of the direct light, which no samples take away.
        stock: as ``stock_error`` tells it.
    """
    return max(bound.accepted, min(_FEW_RAYS * hidden, _FORESEEN * stock))


def outlook(error: float, taken: int, most: int, wanted: float, hidden: float = 0.0) -> tuple[float, float]:
    """The samples that a view likely takes until its error is as wanted, and the error that it then likely has; its hidden part stays."""
    sampled, room = math.sqrt(max(error**2 - hidden**2, 0.0)), math.sqrt(max(wanted**2 - hidden**2, 0.0))
    samples = min(taken * max(sampled / room, 1.0) ** (1 / EXPONENT), most) if room else float(most)
    return samples, math.hypot(sampled * (taken / samples) ** EXPONENT, hidden)


def needed(error: float, taken: int, bound: ErrorBound) -> float:
    """Samples that a view with this error needs in all, as far as that can be foreseen; more, perhaps, than it may take."""
    return taken * max(error / bound.target, 1.0) ** (1 / EXPONENT)
