"""Takes traced views to where their files go, beside the tracing of the next view."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.file_kinds import TEMPLATE, WantedFiles
from render_actor.contract.sink import OUTPUT_FIELD, attempt_names, write_failure
from render_actor.contract.types import Failure, ViewBatch
from render_actor.contract.view_files import FileContent, PackedView, RenderedView, content_of
from render_actor.contract.xyz_file import PackedXyz, packed, unpacked_file
from render_actor.view.sink_folder import SinkFolder
from render_actor.view.template_files import NoTemplateError, ViewFiles, template_files
from render_actor.view.traced import TracedView


class MadeView(NamedTuple):
    """A view whose files are made.

    Attributes:
        told: what is said of it.
        files: the files themselves, where they are not in the sink.
    """

    told: RenderedView
    files: PackedView | None


class EncodedView(NamedTuple):
    """A view's files in memory, and what each holds."""

    files: ViewFiles
    contents: tuple[FileContent, ...]


class ViewFailedError(Exception):
    """A view cannot be had.

    Attributes:
        failure: what the batch is answered with.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class ViewOutput:
    """Encodes, checks, hashes and writes the views of one batch, on a thread of its own; a context manager.

    Where the batch's sink cannot be seen or written, and need not be, the files are packed for Ray's object store instead: the service
    writes them then, and meets whatever is wrong with the disk itself.

    Args:
        batch: names the sink and the attempt.

    Attributes:
        refused: why files did not go into the sink, or empty.
    """

    def __init__(self, batch: ViewBatch) -> None:
        self._sink, self._fence, self._wanted = batch.sink, batch.fence, batch.wanted
        self._folder: SinkFolder | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="view-output")
        self._pending: Future[MadeView] | None = None
        self.refused = ""

    def __enter__(self) -> ViewOutput:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._thread.shutdown()
        if self._folder is not None:
            self._folder.close()

    def take(self, view: TracedView) -> None:
        """Begin with the files of a view; those of the one before must have been asked for with ``finished``."""
        assert self._pending is None
        self._pending = self._thread.submit(self._made, view)

    def finished(self) -> list[MadeView]:
        """The view that was taken last, as soon as its files are made; empty where there is none.

        Raises:
            ViewFailedError: its files are no template, or cannot be written where they must be.
        """
        if self._pending is None:
            return []
        pending, self._pending = self._pending, None
        return [pending.result()]

    def _made(self, view: TracedView) -> MadeView:
        began = time.monotonic()
        try:
            files, contents = self._encoded(view)
            in_sink = self._written(view.view, files)
            sent = None if in_sink else packed_view(files, view)
        except NoTemplateError as error:
            fault = f"a renderer gave files of view {view.view} that are not a template; send the request again"
            raise ViewFailedError(Failure("render_failed", fault, cause=str(error))) from error
        seconds = view.seconds + time.monotonic() - began
        told = RenderedView(
            view.view,
            contents,
            seconds,
            int(view.mask.sum()),
            view.quality,
            in_sink,
            kinds=tuple(files),
            mask_box=mask_box(view.mask),
            brightness=float(view.rgb[view.mask].mean()),
        )
        return MadeView(told, sent)

    def _encoded(self, view: TracedView) -> EncodedView:
        return encoded_view(view, self._wanted)

    def _written(self, view: int, files: ViewFiles) -> bool:
        """Write a view's files into the sink; False where that cannot be, and need not."""
        if self._sink is None or self.refused:
            return False
        try:
            if self._folder is None:
                self._folder = SinkFolder(self._sink)
            self._folder.write(dict(zip(attempt_names(view, self._fence, tuple(files)), files.values(), strict=True)))
        except OSError as error:
            if self._sink.required:
                code, message = write_failure(error, self._sink.quoted)
                raise ViewFailedError(Failure(code, message, OUTPUT_FIELD, cause=f"in the renderer: {error!r}")) from error
            self.refused = f"{type(error).__name__}: {error.strerror or error}"
            return False
        return True


def encoded_view(view: TracedView, wanted: WantedFiles = TEMPLATE) -> EncodedView:
    """Encode a view, check what came of it and hash it.

    Raises:
        NoTemplateError: a file does not hold what was traced.
    """
    files = template_files(view, wanted)
    return EncodedView(files, tuple(map(content_of, files.values())))


def mask_box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of the pixels that are set, of which there must be one; right and bottom exclusive."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def packed_view(files: ViewFiles, view: TracedView) -> PackedView:
    """The files of a view in the form in which they travel.

    Raises:
        NoTemplateError: the xyz file would not come out of it as it is.
    """
    sent = PackedView(tuple(packed(view.xyz, view.mask) if kind == "xyz" else data for kind, data in files.items()))
    for data, file in zip(sent.files, files.values(), strict=True):
        # Whoever unpacks it need not hash the file then.
        if isinstance(data, PackedXyz) and bytes(unpacked_file(data)) != file:
            raise NoTemplateError("the xyz file has coordinates off the mask")
    return sent
