"""Which names the files of an upload may have, and what becomes of them."""

from __future__ import annotations

import re
import unicodedata

from serve_app.base.errors import ServiceError
from serve_app.uploads.refusals import invalid, quoted

MAX_DEPTH = 8
MAX_PART_BYTES = 200
MAX_NAME_BYTES = 512

_DRIVE = re.compile(r"[A-Za-z]:")


def clean_name(text: str) -> str:
    """A file's name as it is kept: NFC, with ``/`` between folders.

    Args:
        text: as the client, or its archive, has it.

    Raises:
        ServiceError: ``upload_invalid``; it would lead out of its folder, or no file system would take it.
    """
    name = unicodedata.normalize("NFC", text.replace("\\", "/"))
    reason = _reason(name)
    if reason is not None:
        raise invalid(f"the file name {quoted(text)} {reason}; rename it")
    return name


def _reason(name: str) -> str | None:
    parts = name.split("/")
    if not name or name.startswith("/") or _DRIVE.match(name):
        return "is empty or absolute"
    if any(part in ("", ".", "..") for part in parts):
        return "leads out of its folder, or names none"
    if any(not character.isprintable() for character in name):
        return "has characters that cannot be printed"
    if any(part != part.strip() or part.endswith(".") for part in parts):
        return "has a part that begins or ends with a blank, or ends with a dot"
    try:
        sizes = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        return "is no text"
    if len(parts) > MAX_DEPTH or max(sizes) > MAX_PART_BYTES or len(name.encode()) > MAX_NAME_BYTES:
        return f"is too long or has more than {MAX_DEPTH - 1} folders"
    return None


class Names:
    """The names of one upload, none of which can be taken for another one's, by any file system.

    Two that differ in nothing but upper and lower case would be one file on some machines; so would a file and a folder of one name.
    """

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._files)

    def add(self, name: str) -> None:
        """Take a clean name.

        Raises:
            ServiceError: ``upload_invalid``; there is one like it.
        """
        key = _key(name)
        if (other := self._files.get(key)) is not None:
            raise _twice(name, other)
        if (folder := self._folders.get(key)) is not None:
            raise invalid(f"{quoted(name)} is a file and a folder ({quoted(folder)}); rename one of them")
        parts = name.split("/")
        for depth in range(1, len(parts)):
            above = "/".join(parts[:depth])
            if (other := self._files.get(_key(above))) is not None:
                raise invalid(f"{quoted(other)} is a file and a folder of {quoted(name)}; rename one of them")
            if self._folders.setdefault(_key(above), above) != above:
                raise invalid(
                    f"the folders {quoted(above)} and {quoted(self._folders[_key(above)])} differ only in case; rename one of them"
                )
        self._files[key] = name


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


def _twice(name: str, other: str) -> ServiceError:
    if name == other:
        return invalid(f"two files are called {quoted(name)}; send each once")
    return invalid(f"{quoted(name)} and {quoted(other)} differ only in case; rename one of them")
