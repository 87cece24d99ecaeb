"""An upload: what is known of it, and its form on disk."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class UploadedFile:
    """A file of an upload.

    Attributes:
        name: clean; with ``/`` between folders.
        bytes: of it.
        sha256: of its content, in hex.
    """

    name: str
    bytes: int
    sha256: str


@dataclass
class Upload:
    """Files that a client has sent whole.

    Attributes:
        upload_id: cannot be guessed.
        files: that are kept, in the order in which they came.
        ignored: names of those that are not: no CAD's reader reads such files.
        cads: names of those that are CADs.
        created_at: Unix seconds.
        used_at: when it was last used, or looked at, in Unix seconds.
        sent_bytes: bytes that were sent for it.
        taken: whether a job was made of it.
    """

    upload_id: str
    files: tuple[UploadedFile, ...]
    ignored: tuple[str, ...]
    cads: tuple[str, ...]
    created_at: float
    used_at: float
    sent_bytes: int = 0
    taken: bool = False

    @property
    def bytes(self) -> int:
        """Of all its files."""
        return sum(file.bytes for file in self.files)

    @property
    def digest(self) -> str:
        """SHA-256 over names and contents: two uploads of the same files have the same."""
        told = sorted((file.name, file.sha256) for file in self.files)
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def to_json(self) -> str:
        """As text; ``used_at`` is the time of the file that holds it."""
        told: dict[str, Any] = {"ignored": self.ignored, "cads": self.cads, "created_at": self.created_at, "sent_bytes": self.sent_bytes}
        return json.dumps(told | {"files": [asdict(file) for file in self.files]})

    @classmethod
    def from_json(cls, upload_id: str, text: str, used_at: float) -> Upload:
        """Inverse of ``to_json``; raises ValueError, KeyError or TypeError where it is not that."""
        kept: dict[str, Any] = json.loads(text)
        files = tuple(UploadedFile(**file) for file in kept["files"])
        created_at, sent_bytes = float(kept["created_at"]), int(kept["sent_bytes"])
        return cls(upload_id, files, tuple(kept["ignored"]), tuple(kept["cads"]), created_at, used_at, sent_bytes)
