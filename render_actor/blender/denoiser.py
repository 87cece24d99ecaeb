"""Open Image Denoise, the library that Blender itself denoises with, called without Blender.

Cycles denoises a render as a whole and only once. Here an image is denoised after each block of samples, since the difference of two
denoised images tells the error. Cycles uses the same library in the same way, on images whose first row is the lowest: so the result is
the same.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LIBRARY = "libOpenImageDenoise.so.2"
"""Blender has it loaded: it is found by its name, wherever Blender is installed."""

_CPU, _CUDA = 1, 3
_FLOAT3 = 3
_FAST, _BALANCED = 4, 5  # The second takes twice the time.


class Denoiser:
    """One device that denoises images.

    Args:
        gpu: whether to use a CUDA device; where there is none that works, the CPU is used.
        threads: on the CPU.

    Raises:
        RuntimeError: the library has no device that works.
    """

    def __init__(self, *, gpu: bool, threads: int) -> None:
        self._library = _declared(ctypes.CDLL(_LIBRARY))
        for kind in (_CUDA, _CPU) if gpu else (_CPU,):
            if (device := self._new_device(kind, threads)) is not None:
                self._device = device
                return
        raise RuntimeError("Open Image Denoise has no device that works")

    def _new_device(self, kind: int, threads: int) -> int | None:
        device = self._library.oidnNewDevice(kind)
        if device is None:
            return None
        if kind == _CPU:
            self._library.oidnSetDeviceInt(device, b"numThreads", threads)
            # Blender's process is pinned to its cores already.
            self._library.oidnSetDeviceBool(device, b"setAffinity", False)
        self._library.oidnCommitDevice(device)
        if self._fault(device) is None:
            return int(device)
        self._library.oidnReleaseDevice(device)
        return None

    def denoise(self, color: NDArray[np.float32], albedo: NDArray[np.float32]) -> NDArray[np.float32]:
        """An image without its noise, as quickly as can be.

        Args:
            color: (H, W, 3) linear RGB.
            albedo: (H, W, 3) of the same samples; it keeps textures and outlines sharp.

        Returns:
            (H, W, 3) linear RGB.

        Raises:
            RuntimeError: the library failed.
        """
        return self._run({b"color": color, b"albedo": albedo}, _FAST)

    def denoise_with_normals(
        self, color: NDArray[np.float32], albedo: NDArray[np.float32], normal: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """The same, with a closer look that takes twice as long: soft shading and mirrors become better by it, thin wires and prints worse.

        Args:
            color: (H, W, 3) linear RGB.
            albedo: (H, W, 3) of the same samples.
            normal: (H, W, 3) of the same samples, in any frame.

        Returns:
            (H, W, 3) linear RGB.

        Raises:
            RuntimeError: the library failed.
        """
        return self._run({b"color": color, b"albedo": albedo, b"normal": normal}, _BALANCED)

    def denoise_through_glass(self, color: NDArray[np.float32], albedo: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same for surfaces that can be looked through: their albedo is noisy itself, and denoised first. Takes four times as long.

        Args:
            color: (H, W, 3) linear RGB.
            albedo: (H, W, 3) of the same samples.

        Returns:
            (H, W, 3) linear RGB.

        Raises:
            RuntimeError: the library failed.
        """
        return self._run({b"color": color, b"albedo": self._run({b"albedo": albedo}, _FAST)}, _BALANCED)

    def _run(self, images: dict[bytes, NDArray[np.float32]], quality: int) -> NDArray[np.float32]:
        library, device = self._library, self._device
        height, width = next(iter(images.values())).shape[:2]
        handle = library.oidnNewFilter(device, b"RT")
        buffers = []
        try:
            for name, image in (*images.items(), (b"output", None)):
                buffers.append(library.oidnNewBuffer(device, height * width * 12))
                if image is not None:
                    pixels = np.ascontiguousarray(image[::-1], dtype=np.float32)
                    library.oidnWriteBuffer(buffers[-1], 0, pixels.nbytes, pixels.ctypes.data)
                library.oidnSetFilterImage(handle, name, buffers[-1], _FLOAT3, width, height, 0, 0, 0)
            library.oidnSetFilterBool(handle, b"hdr", b"color" in images)  # An albedo is never above 1.
            library.oidnSetFilterInt(handle, b"quality", quality)
            library.oidnCommitFilter(handle)
            library.oidnExecuteFilter(handle)
            result = np.empty((height, width, 3), dtype=np.float32)
            library.oidnReadBuffer(buffers[-1], 0, result.nbytes, result.ctypes.data)
            if (fault := self._fault(device)) is not None:
                raise RuntimeError(f"Open Image Denoise failed: {fault}")
            return result[::-1]
        finally:
            for buffer in buffers:
                library.oidnReleaseBuffer(buffer)
            library.oidnReleaseFilter(handle)

    def _fault(self, device: int) -> str | None:
        message = ctypes.c_char_p()
        if self._library.oidnGetDeviceError(device, ctypes.byref(message)) == 0:
            return None
        return (message.value or b"no reason given").decode()


def _declared(library: Any) -> Any:
    """The library with the types of what is called here; ctypes would cut pointers to 32 bits."""
    handle, size, text = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p
    functions: dict[str, tuple[Any, list[Any]]] = {
        "oidnNewDevice": (handle, [ctypes.c_int]),
        "oidnSetDeviceInt": (None, [handle, text, ctypes.c_int]),
        "oidnSetDeviceBool": (None, [handle, text, ctypes.c_bool]),
        "oidnCommitDevice": (None, [handle]),
        "oidnReleaseDevice": (None, [handle]),
        "oidnGetDeviceError": (ctypes.c_int, [handle, ctypes.POINTER(text)]),
        "oidnNewBuffer": (handle, [handle, size]),
        "oidnWriteBuffer": (None, [handle, size, size, handle]),
        "oidnReadBuffer": (None, [handle, size, size, handle]),
        "oidnReleaseBuffer": (None, [handle]),
        "oidnNewFilter": (handle, [handle, text]),
        "oidnSetFilterImage": (None, [handle, text, handle, ctypes.c_int, *[size] * 5]),
        "oidnSetFilterBool": (None, [handle, text, ctypes.c_bool]),
        "oidnSetFilterInt": (None, [handle, text, ctypes.c_int]),
        "oidnCommitFilter": (None, [handle]),
        "oidnExecuteFilter": (None, [handle]),
        "oidnReleaseFilter": (None, [handle]),
    }
    for name, (result, arguments) in functions.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
