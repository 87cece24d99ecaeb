"""All views of a job on one image."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from serve_app.base.directory import Directory
from serve_app.base.errors import ServiceError
from serve_app.service.view_pictures import ChangedViewError, PictureName, ViewPicture
from serve_app.templates.pictures import encoded_png
from serve_app.templates.result_views import ResultViews

SheetKind = Literal["rgb", "mask", "xyz"]

MAX_PIXELS = 64 * 1024**2
"""Of a sheet."""

_MAX_SIDE = 32768
_PENDING = 40
"""Grey of a view that is not there yet."""


@dataclass(frozen=True)
class SheetForm:
    """What a sheet looks like.

    Attributes:
        kind: of picture.
        columns: views side by side.
        size: longer side of a view, in pixels.
    """

    kind: SheetKind
    columns: int
    size: int


class ContactSheet:
    """A sheet of the views that are done, in order; the others are grey.

    Args:
        views: of the job.
        folder: that their files lie in; it must stay open.
        form: of the sheet.

    Raises:
        ServiceError: ``validation_error``, it would be too large; ``not_found``, the layout keeps nothing that it could be made of.
    """

    def __init__(self, views: ResultViews, folder: Directory, form: SheetForm) -> None:
        self._form, self._total = form, views.total
        longer = max(views.width, views.height)
        self._cell = max(1, round(views.height * form.size / longer)), max(1, round(views.width * form.size / longer))
        self._columns = min(form.columns, views.total)
        rows = -(-views.total // self._columns)
        self._shape = rows * self._cell[0], self._columns * self._cell[1]
        if max(self._shape) > _MAX_SIDE or self._shape[0] * self._shape[1] > MAX_PIXELS:
            raise ServiceError(
                "validation_error",
                f"a sheet of {views.total} views would have {self._shape[1]} x {self._shape[0]} pixels, too many; ask for a smaller size "
                f"than {form.size}, or for other columns than {form.columns}",
                "size",
            )
        name: PictureName = f"{form.kind}.png"  # type: ignore[assignment]
        self._pictures = {view: ViewPicture(views, folder, view, name) for view in sorted(views.entries)}

    @property
    def etag(self) -> str:
        """Tells its content from any other; known without reading a file."""
        made_of = (self._form, self._total, [(view, picture.etag) for view, picture in self._pictures.items()])
        return hashlib.sha256(repr(made_of).encode()).hexdigest()[:32]

    def data(self) -> bytes:
        """The PNG file; a view whose file is not there is grey.

        Raises:
            ChangedViewError: none of the views' files is there.
        """
        import cv2

        rows, columns = self._shape
        height, width = self._cell
        sheet = np.full((rows, columns, 3), _PENDING, dtype=np.uint8)
        missing = 0
        for view, picture in self._pictures.items():
            top, left = view // self._columns * height, view % self._columns * width
            try:
                pixels = picture.pixels()
            except ChangedViewError:
                missing += 1
                continue
            small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
            sheet[top : top + height, left : left + width] = _colored(small)
        if missing and missing == len(self._pictures):
            raise ChangedViewError("all")
        return encoded_png(sheet)


def _colored(pixels: NDArray[Any]) -> NDArray[Any]:
    return pixels[..., None] if pixels.ndim == 2 else pixels
