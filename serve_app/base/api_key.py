"""The API key, from ``RENDER_API_KEY`` or a file: the bytes that a client sends, and the warning of a server that has none."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from pydantic import SecretStr

from serve_app.base.regular_file import read_regular_file
from serve_app.base.settings import Settings

NO_KEY = (
    "ANYONE WHO REACHES THIS SERVER MAY USE IT: it listens beyond this machine and neither RENDER_API_KEY nor RENDER_API_KEY_FILE is set. "
    "Set one of them, or listen on 127.0.0.1."
)

MAX_KEY_FILE_BYTES = 4096
"""A key travels in a header: far below what the headers of a request may have together."""


class UnusableKeyError(ValueError):
    """The key cannot be had, or is one that no client could send. The message never shows it."""


def is_loopback(host: str | None) -> bool:
    """Whether only this machine reaches a server that listens there; a name that is no address counts as reachable."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def key_of(settings: Settings) -> bytes | None:
    """The key as it comes in a header, or None where the server wants none. Reads the file, where it is in one.

    Raises:
        UnusableKeyError: it is given twice, its file is not usable, or no header can hold it.
    """
    key = secret_text(settings.api_key, settings.api_key_file, "RENDER_API_KEY")
    if key is None:
        return None
    return key_bytes(key, "RENDER_API_KEY" if settings.api_key_file is None else _file_named(settings.api_key_file, "RENDER_API_KEY"))


def secret_text(given: SecretStr | None, file: Path | None, variable: str) -> SecretStr | None:
    """A secret from a variable or from the file that another one names, or None where neither is set.

    Args:
        given: value of ``variable``.
        file: value of the same with ``_FILE`` behind it.
        variable: for the error.

    Raises:
        UnusableKeyError: both are set, or the file is not usable.
    """
    if file is None:
        return given
    if given is not None:
        raise UnusableKeyError(
            f"{variable} and {variable}_FILE ({str(file)!r}) are both set; unset one of them, so that it is clear which one counts"
        )
    return _key_in_file(file, _file_named(file, variable))


def _file_named(file: Path, variable: str) -> str:
    return f"{variable}_FILE ({str(file)!r})"


def source_of_key(settings: Settings) -> str:
    """Where the key comes from, for a person; never the key."""
    if settings.api_key_file is not None:
        return f"from the file {str(settings.api_key_file)!r} (RENDER_API_KEY_FILE)"
    return "none, anyone who reaches the server may use it" if settings.api_key is None else "from RENDER_API_KEY"


def _key_in_file(path: Path, named: str) -> SecretStr:
    """What a file holds, without the newline at its end."""
    try:
        # Kubernetes shows a secret as a link, to be exchanged in one step.
        data = read_regular_file(path.expanduser().resolve(), MAX_KEY_FILE_BYTES)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, or no home folder.
        reason = getattr(error, "strerror", None) or "its path leads nowhere"
        raise UnusableKeyError(f"{named} cannot be read: {reason}; name a file that the server's user may read") from error
    except ValueError as error:
        raise UnusableKeyError(f"{named} is too large for a key: {error}; it must hold the key and nothing else") from error
    line = data.removesuffix(b"\n").removesuffix(b"\r")
    if not line.strip():
        raise UnusableKeyError(f"{named} holds no key; write the key into it, on one line")
    if b"\n" in line or b"\r" in line:
        raise UnusableKeyError(f"{named} has more than one line; it must hold the key and nothing else")
    # Bytes that are not UTF-8 become surrogates, as in a variable.
    return SecretStr(line.decode("utf-8", "surrogateescape"))


def key_bytes(key: SecretStr, named: str) -> bytes:
    """The key as it comes in a header.

    Args:
        key: as it was given.
        named: where, for the error.

    Raises:
        UnusableKeyError: no header can hold it.
    """
    text = key.get_secret_value().strip()
    if not text or any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise UnusableKeyError(f"{named} is blank or holds control characters, which no HTTP header can carry; choose another key")
    # A variable that is not UTF-8 comes as surrogates: back to the bytes that it had.
    return text.encode("utf-8", "surrogateescape")
