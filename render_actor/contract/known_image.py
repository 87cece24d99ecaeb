"""An image of a view that an earlier job has rendered: what is left of the view is to cast its rays."""

from __future__ import annotations

from dataclasses import dataclass

from render_actor.contract.view_quality import ViewQuality


@dataclass(frozen=True)
class KnownImage:
    """The ``rgb`` file of a view of the very same rendering.

    Attributes:
        png: the file's bytes.
        quality: what was sampled for it, and what that gave.
    """

    png: bytes
    quality: ViewQuality
