"""What a document type can do to whoever reads XML: declarations, with ``{root}`` for the root element, and what uses them."""

from __future__ import annotations

_LAUGHS = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))

ENTITIES: dict[str, tuple[str, str]] = {
    "internal": ('<!DOCTYPE {root} [<!ENTITY a "1">]>', "&a;"),
    "laughs": (f"<!DOCTYPE {{root}} [{_LAUGHS}]>", "&a11;"),
    "quadratic": (f'<!DOCTYPE {{root}} [<!ENTITY a "{"x" * 100_000}">]>', "&a;" * 20_000),
    "circle": ('<!DOCTYPE {root} [<!ENTITY a "&b;"><!ENTITY b "&a;">]>', "&a;"),
    "file": ('<!DOCTYPE {root} [<!ENTITY a SYSTEM "file:///etc/passwd">]>', "&a;"),
    "beside": ('<!DOCTYPE {root} [<!ENTITY a SYSTEM "../secret.mtl">]>', "&a;"),
    "http": ('<!DOCTYPE {root} [<!ENTITY a SYSTEM "http://127.0.0.1:9/a">]>', "&a;"),
    "parameter": ('<!DOCTYPE {root} [<!ENTITY % a SYSTEM "file:///etc/passwd">%a;]>', ""),
    "subset": ('<!DOCTYPE {root} SYSTEM "file:///etc/passwd" []>', ""),
    "device": ('<!DOCTYPE {root} [<!ENTITY a SYSTEM "file:///dev/zero">]>', "&a;"),
}
