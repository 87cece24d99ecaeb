"""Decodes the textures that a CAD refers to."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from serve_app.cad.limits import CadLimits
from serve_app.cad.references import ReferenceResolver, missing

TEXTURE_FORMATS = ("PNG", "JPEG", "BMP", "TGA", "TIFF")
"""As Pillow finds them by the file's content; its name says nothing."""

Variant = Literal["color", "alpha"]
"""Of an image: its colours alone, or its alpha channel alone."""

_MAX_PILLOW_PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 0)
"""Pillow opens no image with more."""


class TextureStore:
    """Decodes textures once each and hands out their indices.

    Args:
        resolver: where the files come from.
        limits: of the CAD.

    Attributes:
        images: (H, W, 4) uint8 arrays, first row on top.
        warnings: one sentence for each texture that could not be used, and for what else the reader had to leave out.
    """

    def __init__(self, resolver: ReferenceResolver, limits: CadLimits) -> None:
        self._resolver, self._limits, self._pixels_left = resolver, limits, limits.texture_pixels
        self._indices: dict[str, int | None] = {}
        self._embedded: dict[str, NDArray[np.uint8] | None] = {}
        self.images: list[NDArray[np.uint8]] = []
        self.warnings: list[str] = []

    def index_of(self, name: str) -> int | None:
        """Index of a texture in ``images``, or None, with a warning, when it is not to be had."""
        if name not in self._indices:
            try:
                self.images.append(self._decoded(self._resolver.get(name)))
                self._indices[name] = len(self.images) - 1
            except (FileNotFoundError, ValueError) as error:
                self.warnings.append(missing("texture", name, error))
                self._indices[name] = None
        return self._indices[name]

    def index_of_embedded(
        self, name: str, variant: Variant, read: Callable[[], bytes], formats: tuple[str, ...] = TEXTURE_FORMATS
    ) -> int | None:
        """Index of one variant of a texture that a CAD carries in itself, or names in its own way.

        Args:
            name: what messages call it, one for each.
            variant: that is wanted; ``images`` holds only those that were.
            read: gives the image file, or raises ``FileNotFoundError`` or ``ValueError`` with the reason why it cannot.
            formats: of Pillow's.

        Returns:
            None when it is not to be had, with a warning, and for ``alpha`` where it is opaque all over.
        """
        key = f"{variant} of {name}"
        if key not in self._indices:
            image = self._embedded_image(name, read, formats)
            if image is None or (variant == "alpha" and image[..., 3].min() == 255):
                self._indices[key] = None
            else:
                self.images.append(_channels(image, variant))
                self._indices[key] = len(self.images) - 1
        return self._indices[key]

    def _embedded_image(self, name: str, read: Callable[[], bytes], formats: tuple[str, ...]) -> NDArray[np.uint8] | None:
        if name not in self._embedded:
            self._embedded[name] = None
            try:
                self._embedded[name] = self._decoded(read(), formats)
            except (FileNotFoundError, ValueError) as error:
                self.warnings.append(missing("texture", name, error))
        return self._embedded[name]

    def _decoded(self, data: bytes, formats: tuple[str, ...] = TEXTURE_FORMATS) -> NDArray[np.uint8]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                image = Image.open(io.BytesIO(data), formats=formats)
        except Image.DecompressionBombError as error:
            raise ValueError(f"it has more than {_MAX_PILLOW_PIXELS} pixels; {self._bound()}") from error
        except Exception as error:  # Pillow raises many types on a broken image, and each means the same to us.
            raise ValueError("it is no image of the types " + ", ".join(formats)) from error
        pixels = image.width * image.height
        if not 0 < pixels <= self._pixels_left:
            raise ValueError(f"{image.width} x {image.height} pixels are too many: {self._bound()}")
        self._pixels_left -= pixels
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return _rgba(image)
        except MemoryError:
            raise
        except Exception as error:
            raise ValueError(f"it is a damaged {image.format}") from error

    def _bound(self) -> str:
        return f"all textures of a CAD may have {self._limits.texture_pixels} (RENDER_MAX_TEXTURE_PIXELS)"


def _channels(image: NDArray[np.uint8], variant: Variant) -> NDArray[np.uint8]:
    """A variant of an image, as one that has nothing in its other channels: an alpha channel would darken the colours."""
    if variant == "color" and image[..., 3].min() == 255:
        return image
    result = np.full_like(image, 255)
    kept = slice(0, 3) if variant == "color" else slice(3, 4)
    result[..., kept] = image[..., kept]
    return result


def _rgba(image: Image.Image) -> NDArray[np.uint8]:
    """(H, W, 4) uint8; Pillow would clip, not scale, 16-bit grey."""
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image).astype(np.float64) / 257).clip(0, 255).astype(np.uint8))
    return np.asarray(image.convert("RGBA"))
