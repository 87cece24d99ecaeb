"""Signs a webhook as standardwebhooks.com describes it, which libraries of many languages check."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from pydantic import SecretStr

from serve_app.base.api_key import UnusableKeyError, secret_text
from serve_app.base.settings import Settings

_PREFIX = "whsec_"
MIN_SECRET_BYTES = 16


def signed_headers(secret: bytes, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers by which a receiver knows who has sent a body, and when.

    Args:
        secret: that the receiver has, too.
        message_id: the same for each attempt at the same message.
        timestamp: of this attempt, in Unix seconds; it is signed, so that an old message cannot be sent again as a new one.
        body: as it is sent.
    """
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    signature = base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": f"v1,{signature}"}


def webhook_secret(settings: Settings) -> bytes | None:
    """The secret that webhooks are signed with, or None where there is none. Reads the file, where it is in one.

    One that begins with ``whsec_`` is base64 behind that, as the libraries have it.

    Raises:
        UnusableKeyError: it is given twice, its file is not usable, it is too short, or hosts are listed and there is none.
    """
    text = secret_text(settings.webhook_secret, settings.webhook_secret_file, "RENDER_WEBHOOK_SECRET")
    if text is None:
        if settings.webhook_hosts:
            raise UnusableKeyError(
                "RENDER_WEBHOOK_HOSTS is set and there is no secret to sign webhooks with; write one into a file, such as the output of "
                "`openssl rand -hex 32`, and name it in RENDER_WEBHOOK_SECRET_FILE"
            )
        return None
    secret = _bytes_of(text)
    if len(secret) < MIN_SECRET_BYTES:
        raise UnusableKeyError(
            f"RENDER_WEBHOOK_SECRET has {len(secret)} bytes, fewer than {MIN_SECRET_BYTES}; `openssl rand -hex 32` makes one"
        )
    return secret


def _bytes_of(text: SecretStr) -> bytes:
    plain = text.get_secret_value().strip()
    if not plain.startswith(_PREFIX):
        return plain.encode("utf-8", "surrogateescape")
    try:
        return base64.b64decode(plain.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise UnusableKeyError(f"RENDER_WEBHOOK_SECRET begins with {_PREFIX} and is no base64 behind that") from error
