"""What is known of a job's views once their files lie in its staging folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from render_actor.contract.file_kinds import FileKind
from render_actor.contract.view_files import FileContent, PackedView, RenderedView, content_of, file_names
from render_actor.contract.view_quality import ViewQuality
from render_actor.contract.xyz_file import PackedXyz, unpacked_file
from serve_app.base.errors import ServiceError
from serve_app.templates.places import Places


def unpacked_files(view: RenderedView, packed: PackedView) -> dict[str, bytes | memoryview]:
    """Content of a view's files by name, of which the xyz file has been packed; byte for byte what the renderer has hashed.

    What has travelled is hashed again; of what is made from it here, the renderer has seen that it gives its file.

    Raises:
        ServiceError: ``render_failed`` when one is not what the renderer has said.
    """
    try:
        files = [unpacked_file(sent) if isinstance(sent, PackedXyz) else sent for sent in packed.files]
    except ValueError as error:
        raise _no_template(view.view) from error
    for sent, data, told in zip(packed.files, files, view.files, strict=True):
        if len(data) != told.size or not (isinstance(sent, PackedXyz) or content_of(data) == told):
            raise _no_template(view.view)
    return dict(zip(file_names(view.view, view.kinds), files, strict=True))


def _no_template(view: int) -> ServiceError:
    return ServiceError("render_failed", f"a renderer gave files of view {view} that are not a template; send the request again")


def view_entry(view: RenderedView) -> dict[str, Any]:
    """A view's part of the manifest: what can be known when it is written."""
    contents = zip(file_names(view.view, view.kinds), view.files, strict=True)
    return {
        "index": view.view,
        "mask_pixels": view.mask_pixels,
        "mask_box": list(view.mask_box) if view.mask_box else None,
        "brightness": _rounded(view.brightness),
        "samples": int(view.quality.samples),
        "estimated_error": _rounded(view.quality.estimated_error),
        "error_bound": _rounded(view.quality.error_bound),
        "seconds": round(view.seconds, 4),
        "device": view.blender.device if view.blender else None,
        "files": {name: {"sha256": content.sha256, "bytes": content.size} for name, content in contents},
    }


def quality_of(entry: Mapping[str, Any]) -> ViewQuality | None:
    """What a view's part of a manifest says of its sampling; None where an older server has written it.

    Raises:
        ValueError: it says something else than numbers.
    """
    if "samples" not in entry:
        return None
    samples, *errors = (entry.get(name) for name in ("samples", "estimated_error", "error_bound"))
    if not isinstance(samples, int) or not all(isinstance(error, int | float | None) for error in errors):
        raise ValueError("samples, estimated_error and error_bound of a view are no numbers")
    return ViewQuality(samples, *errors)


def _rounded(error: float | None) -> float | None:
    return None if error is None else round(float(error), 3)


@dataclass
class RenderedViews:
    """The views of one rendering that are done.

    Attributes:
        entries: ``view_entry`` by index.
        versions: of the software that rendered them.
    """

    entries: dict[int, dict[str, Any]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def add(self, entries: Iterable[dict[str, Any]]) -> None:
        """Take in entries of views that are written."""
        self.entries.update((entry["index"], entry) for entry in entries)

    def only(self, kinds: tuple[FileKind, ...]) -> RenderedViews:
        """The same views with their files of some kinds alone."""
        entries = {}
        for view, entry in self.entries.items():
            names = file_names(view, kinds)
            entries[view] = entry | {"files": {name: file for name, file in entry["files"].items() if name in names}}
        return RenderedViews(entries, dict(self.versions))

    def placed(self, places: Places) -> list[dict[str, Any]]:
        """The entries in order of their views, with the files named by their paths in a folder, copies and all."""
        found = []
        for view in sorted(self.entries):
            files = self.entries[view]["files"]
            by_path = {path: file for name, file in files.items() for path in places.get(name, (name,))}
            found.append(self.entries[view] | {"files": by_path})
        return found

    def files(self) -> dict[str, FileContent]:
        """What each file holds, by name."""
        found = {name: file for entry in self.entries.values() for name, file in entry["files"].items()}
        return {name: FileContent(file["sha256"], file["bytes"]) for name, file in found.items()}

    def sizes(self) -> dict[str, int]:
        """Bytes of each file by name."""
        return {name: file["bytes"] for entry in self.entries.values() for name, file in entry["files"].items()}

    def seconds(self) -> dict[int, float]:
        """Rendering seconds of each view by index."""
        return {view: entry["seconds"] for view, entry in self.entries.items()}

    def qualities(self) -> dict[int, ViewQuality]:
        """What was sampled for each view by index, and what that gave; a view of which it is not known is left out."""
        found = {view: quality_of(entry) for view, entry in self.entries.items()}
        return {view: quality for view, quality in found.items() if quality is not None}

    def devices(self) -> list[str]:
        """Devices that took part."""
        return sorted({entry["device"] for entry in self.entries.values() if entry["device"]})

    def to_json(self) -> dict[str, Any]:
        """As a value that JSON can hold."""
        return {"entries": list(self.entries.values()), "versions": self.versions}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> RenderedViews:
        """Inverse of ``to_json``."""
        rendered = cls(versions=dict(content["versions"]))
        rendered.add(content["entries"])
        return rendered

    @classmethod
    def from_placed(cls, entries: Iterable[dict[str, Any]], versions: Mapping[str, str], places: Places) -> RenderedViews:
        """Inverse of ``placed``: the files by name again, without the copies.

        Raises:
            KeyError: a view has a file with no place.
        """
        names = {path: (name, number) for name, paths in places.items() for number, path in enumerate(paths)}
        rendered = cls(versions=dict(versions))
        for entry in entries:
            files = {names[path]: file for path, file in entry["files"].items()}
            rendered.add([entry | {"files": {name: file for (name, number), file in files.items() if number == 0}}])
        return rendered
