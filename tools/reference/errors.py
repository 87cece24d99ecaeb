"""The page of errors, by code."""

from __future__ import annotations

from serve_app.http.errors import STATUS
from tools.reference.error_texts import GROUPS
from tools.reference.markdown import page, table

_INTRO = """
Every error, everywhere, is `{"detail": ..., "code": ..., "field": ...}`. `detail` is a sentence that says what is wrong, with the value,
and what to do. `code` is for programs. `field` names the field of the request that it is about, or is null; in a batch it has its place in
front (`items.3.resolution`). Where several things are wrong with a request, `errors` lists each with its `field` and `detail`. A job that
has failed has `detail`, `code` and `field` in `error`. Where a repetition helps, `Retry-After` says when.
"""


def errors() -> str:
    """``reference/errors.md``."""
    told = {code for group in GROUPS.values() for code in group}
    groups = [*GROUPS.items(), ("Others", dict.fromkeys(sorted(set(STATUS) - told), ("", "")))]
    parts = [f"## {title}\n\n{_table(codes)}" for title, codes in groups if codes]
    return page("Errors", _INTRO, *parts)


def _table(codes: dict[str, tuple[str, str]]) -> str:
    return table(("code", "HTTP", "it means", "do"), [[f"`{code}`", str(STATUS[code]), *codes[code]] for code in codes if code in STATUS])
