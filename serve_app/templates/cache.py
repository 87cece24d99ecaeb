"""Keeps finished templates by what they were made of, so that nothing is rendered twice.

An entry is a folder with the files of some kinds of one rendering, flat, and ``entry.json``. It is called by the rendering's key, with the
kinds behind it where they are not those of a template. A request is served by any entry of its rendering that has all kinds that it wants;
where none has, the images of one that has them are used again, the rest is made anew, and all of it makes an entry of its own. An entry is
made under another name and renamed when it is whole; a kill at any moment leaves a folder that the next start removes.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from render_actor.contract.file_kinds import KINDS, TEMPLATE, TEMPLATE_KINDS, FileKind, WantedFiles
from render_actor.contract.known_image import KnownImage
from render_actor.contract.view_files import content_of, file_names
from serve_app.base.aio import run_to_end, to_thread_to_end
from serve_app.base.directory import Directory
from serve_app.base.disk import free_bytes
from serve_app.base.logs import server_event
from serve_app.templates.copy import DamagedFileError
from serve_app.templates.staging import StagingFolder
from serve_app.templates.views import RenderedViews

_ENTRY = "entry.json"
_UNFINISHED = ".unfinished-"
_LOOK_EVERY_SEC = 10.0
_NAME = re.compile(r"(?P<key>[0-9a-f]{64})(\.(?P<kinds>[a-z]+(-[a-z]+)*)(@(?P<scale>[0-9.]+))?)?")
_ENTRY_BYTES = 64 * 1024
"""Allowance for ``entry.json`` when room is made."""
_MOST_IMAGE_BYTES = 256 * 1024**2
"""Of the images of one rendering that are held in memory to be used again; larger ones are rendered again."""
T = TypeVar("T")


class TemplateCache:
    """Templates on disk, bounded in bytes and by the room on it, least recently used first to go.

    Only the one server that has locked the data folder uses it.

    Args:
        folder: of the cache; made if it is not there.
        max_bytes: ``RENDER_CACHE_MAX_BYTES``; 0 turns the cache off and leaves the folder alone.
        spare_bytes: of the folder's disk, which the cache leaves to others; entries go when less is free, whoever took it.
    """

    def __init__(self, folder: Path, max_bytes: int, spare_bytes: int = 0) -> None:
        self._folder, self._max, self._spare = folder, max_bytes, spare_bytes
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._in_use: dict[str, int] = {}
        self._reserved = 0
        self._making_room = asyncio.Lock()
        if max_bytes:
            try:
                self._take_stock()
            except OSError as error:  # The server is worth more than its cache.
                server_event("error", "the cache cannot be used: nothing is kept", path=str(folder), cause=str(error))
                self._max = 0

    @property
    def max_bytes(self) -> int:
        """Bytes that it may have; 0 where nothing is kept."""
        return self._max

    @property
    def bytes_used(self) -> int:
        """Bytes of all entries."""
        return sum(self._sizes.values())

    def __len__(self) -> int:
        return len(self._sizes)

    def _take_stock(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        found = []
        for path in self._folder.iterdir():
            if not path.is_symlink() and (path / _ENTRY).is_file():
                found.append((path.stat().st_mtime_ns, path.name, sum(file.lstat().st_size for file in path.iterdir())))
            elif path.name.startswith(_UNFINISHED) or _NAME.fullmatch(path.name):
                shutil.rmtree(path, ignore_errors=True)
            else:
                server_event("warning", "the cache folder holds something that is not the server's; it stays", path=str(path))
        self._sizes.update((name, size) for _, name, size in sorted(found))
        self._remove(self._chosen_to_go(free_bytes(self._folder)))

    async def keep_room(self) -> None:
        """See again and again that others have the spare room, for as long as the server runs."""
        while self._max:
            try:
                await self._make_room()
            except OSError as error:
                server_event("warning", "cache entries could not be removed", reason=str(error))
            await asyncio.sleep(_LOOK_EVERY_SEC)

    async def _make_room(self) -> None:
        async with self._making_room:  # One at a time: a second look sees what the first has freed.
            free = await asyncio.to_thread(free_bytes, self._folder)
            await to_thread_to_end(self._remove, self._chosen_to_go(free))

    async def fetch(self, key: str, staging: StagingFolder, wanted: WantedFiles = TEMPLATE) -> RenderedViews | None:
        """Copy an entry's files into a staging folder.

        Args:
            key: of the rendering.
            staging: gets the files that are wanted, and no others.
            wanted: of each view.

        Returns:
            What was copied, each file checked against its SHA-256, or None when the entry is not there or is damaged.

        Raises:
            ServiceError: the staging folder cannot be written.
        """
        name = self._covering(key, wanted)
        return None if name is None else await run_to_end(self._fetch(name, staging, wanted))

    def _covering(self, key: str, wanted: WantedFiles) -> str | None:
        """Name of an entry that has all that is wanted, or None."""
        return next((name for name in self._sizes if name.partition(".")[0] == key and _files_of(name).covers(wanted)), None)

    async def _fetch(self, name: str, staging: StagingFolder, wanted: WantedFiles) -> RenderedViews | None:
        rendered = await self._taken_from(name, lambda: self._copy_out(name, staging, wanted))
        if rendered is None:
            await asyncio.to_thread(staging.keep_only, set())
        return rendered

    async def images(self, key: str) -> Mapping[int, KnownImage]:
        """The images of a rendering's views by index, where an entry has them: for files of other kinds no view is rendered again.

        Args:
            key: of the rendering.

        Returns:
            Each checked against its SHA-256; empty where no entry has any, where it is damaged, and where they are too large to be carried.
        """
        name = next((name for name in self._sizes if name.partition(".")[0] == key and "rgb" in _files_of(name).kinds), None)
        if name is None:
            return {}
        return await run_to_end(self._taken_from(name, lambda: self._read_images(name))) or {}

    async def _taken_from(self, name: str, take: Callable[[], T]) -> T | None:
        """What a function takes from an entry, on a thread; None where the entry is damaged, and it is dropped."""
        self._sizes.move_to_end(name)
        with self._held(name):
            try:
                return await asyncio.to_thread(take)
            except DamagedFileError as error:
                server_event("error", "cache entry is damaged and was dropped", key=name, reason=str(error))
        self._sizes.pop(name, None)
        await asyncio.to_thread(self._remove, [name])
        return None

    def _copy_out(self, name: str, staging: StagingFolder, wanted: WantedFiles) -> RenderedViews:
        entry = self._folder / name
        rendered = _views_of(entry, wanted.kinds)
        with suppress(OSError):  # The order of use outlives the server, where the disk can be written.
            os.utime(entry)
        with Directory.open(entry) as folder:
            staging.copy_from(folder, rendered.files())
        return rendered

    def _read_images(self, name: str) -> dict[int, KnownImage]:
        entry = self._folder / name
        rendered = _views_of(entry, ("rgb",))
        if sum(rendered.sizes().values()) > _MOST_IMAGE_BYTES:
            return {}
        contents, found = rendered.files(), {}
        for view, quality in rendered.qualities().items():
            file = file_names(view, ("rgb",))[0]
            try:
                png = (entry / file).read_bytes()
            except OSError as error:
                raise DamagedFileError(f"{file} cannot be read: {error.strerror}") from error
            if content_of(png) != contents[file]:
                raise DamagedFileError(f"{file} is not what was kept")
            found[view] = KnownImage(png, quality)
        return found

    async def insert(self, key: str, staging: StagingFolder, rendered: RenderedViews, wanted: WantedFiles = TEMPLATE) -> None:
        """Keep copies of a staging folder's files. A cache that cannot be written costs nobody a job.

        Args:
            key: of the rendering.
            staging: holds the files.
            rendered: the views.
            wanted: the files that there are of each.
        """
        size = sum(rendered.sizes().values()) + _ENTRY_BYTES
        if size > self._max or self._covering(key, wanted) is not None:
            return
        # Whole even if the job is cancelled: an entry that is copied is accounted for.
        await run_to_end(self._insert(_name_of(key, wanted), size, staging, rendered))

    async def _insert(self, key: str, size: int, staging: StagingFolder, rendered: RenderedViews) -> None:
        free = await asyncio.to_thread(free_bytes, self._folder)
        if size > free - self._spare + self.bytes_used:  # Not even if all others went.
            return
        # Room is made first, so what lies on the disk never exceeds the bound.
        self._reserved += size
        try:
            await self._make_room()
            self._sizes[key] = await asyncio.to_thread(self._copy_in, key, staging, rendered)
        except (OSError, DamagedFileError) as error:
            server_event("warning", "templates could not be cached", key=key, reason=str(error))
        finally:
            self._reserved -= size

    def _copy_in(self, key: str, staging: StagingFolder, rendered: RenderedViews) -> int:
        unfinished = self._folder / f"{_UNFINISHED}{uuid.uuid4().hex}"
        unfinished.mkdir(parents=True)
        try:
            with Directory.open(unfinished) as folder:
                staging.files.copy_to(folder, rendered.files())
            (unfinished / _ENTRY).write_text(json.dumps(rendered.to_json()))
            size = sum(file.stat().st_size for file in unfinished.iterdir())
            unfinished.rename(self._folder / key)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        return size

    @contextmanager
    def _held(self, key: str) -> Iterator[None]:
        self._in_use[key] = self._in_use.get(key, 0) + 1
        try:
            yield
        finally:
            self._in_use[key] -= 1
            if not self._in_use[key]:
                del self._in_use[key]

    def _chosen_to_go(self, free: int) -> list[str]:
        """Forget as many entries as must go to keep the bound and, with so many bytes free, the spare room, and name them."""
        too_much = self._reserved + max(self.bytes_used - self._max, self._spare - free)
        chosen = []
        for key, size in list(self._sizes.items()):
            if too_much <= 0:
                break
            if key not in self._in_use:
                del self._sizes[key]
                chosen.append(key)
                too_much -= size
        return chosen

    def _remove(self, keys: list[str]) -> None:
        for key in keys:
            doomed = self._folder / f"{_UNFINISHED}{uuid.uuid4().hex}"
            try:
                (self._folder / key).rename(doomed)
            except FileNotFoundError:
                continue
            except OSError as error:
                server_event("warning", "a cache entry could not be removed", key=key, reason=str(error))
                continue
            shutil.rmtree(doomed, ignore_errors=True)


def _views_of(entry: Path, kinds: tuple[FileKind, ...]) -> RenderedViews:
    """An entry's views with their files of some kinds.

    Raises:
        DamagedFileError: it does not tell them.
    """
    try:
        rendered = RenderedViews.from_json(json.loads((entry / _ENTRY).read_bytes())).only(kinds)
        if len(rendered.files()) != len(rendered.entries) * len(kinds):
            raise ValueError("it lacks files")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(f"{_ENTRY} cannot be read: {error}") from error
    return rendered


def _name_of(key: str, wanted: WantedFiles) -> str:
    """Name of the entry that has exactly these files of a rendering."""
    kinds = [kind for kind in KINDS if kind in wanted.kinds]
    if kinds == list(TEMPLATE_KINDS):
        return key
    return f"{key}.{'-'.join(kinds)}" + (f"@{wanted.depth_scale:g}" if "depth" in kinds else "")


def _files_of(name: str) -> WantedFiles:
    """Inverse of ``_name_of``."""
    found = _NAME.fullmatch(name)
    if found is None or found["kinds"] is None:
        return TEMPLATE
    names = found["kinds"].split("-")
    return WantedFiles(tuple(kind for kind in KINDS if kind in names), float(found["scale"] or 1))
