"""Which files of an upload are kept, by their endings, and which never are, by their content."""

from __future__ import annotations

from pathlib import PurePosixPath

from serve_app.uploads.refusals import invalid, quoted

POSES = ".npy"
"""A list of cameras, which a render request names."""

BESIDE_CADS = (".mtl", ".bin", ".png", ".jpg", ".jpeg", ".bmp", ".tga", ".tif", ".tiff", POSES)
"""What a CAD refers to: materials, glTF's buffers, textures; and lists of cameras."""

ARCHIVE = ".zip"

_ARCHIVES = (
    *(".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".lzma", ".zst", ".lz4", ".cab", ".iso", ".jar"),
    *(".ar", ".cpio", ".deb", ".rpm", ".z", ".lzh", ".arj", ".dmg", ".wim"),
)
_SIGNATURES = (
    *(b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\x00"),
    *(b"\x28\xb5\x2f\xfd", b"MSCF"),
)
_ZIP_ITSELF = (".3mf",)
"""CADs that are zip archives by their format; their reader has its own bounds."""

HEAD_BYTES = 512
"""Of a file's beginning, that ``check_content`` wants."""


def suffix_of(name: str) -> str:
    """Ending of a name, in small letters."""
    return PurePosixPath(name).suffix.lower()


def is_kept(name: str, cad_formats: tuple[str, ...]) -> bool:
    """Whether a file is of a kind that a CAD's reader, or a render request, reads."""
    return suffix_of(name) in (*cad_formats, *BESIDE_CADS)


def check_not_nested(name: str) -> None:
    """Refuse an archive in an archive, by its name.

    Raises:
        ServiceError: ``upload_invalid``.
    """
    if suffix_of(name) in _ARCHIVES:
        raise invalid(f"{quoted(name)} is an archive in an archive, or beside other files; send its files, or one .zip alone")


def check_content(name: str, head: bytes) -> None:
    """Refuse a file that says by its name that it is a CAD or a texture, and by its content that it is an archive.

    Args:
        name: of the file.
        head: its first ``HEAD_BYTES``.

    Raises:
        ServiceError: ``upload_invalid``.
    """
    if suffix_of(name) in _ZIP_ITSELF:
        return
    if head.startswith(_SIGNATURES) or head[257:262] == b"ustar":
        raise invalid(f"{quoted(name)} is an archive by its content, whatever its name says; send the files in it, or name it .zip")
