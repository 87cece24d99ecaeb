"""Fetch the page's libraries again, from npm's packages, into ``serve_app/page/vendor``: the files that it needs, as they were published.

Run ``python tools/vendor_page.py`` after changing a version; npm says the new ``integrity``: ``npm view NAME@VERSION dist.integrity``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).parents[1] / "serve_app" / "page" / "vendor"


@dataclass(frozen=True)
class Package:
    """A package of the npm registry.

    Attributes:
        integrity: SHA-512 of its archive, as the registry and a lock file tell it.
        license: SPDX name.
        license_file: its text, in the archive.
        files: what the page loads of it.
    """

    name: str
    version: str
    integrity: str
    license: str
    license_file: str
    files: tuple[str, ...]

    @property
    def folder(self) -> str:
        """The version is in the address, so a browser may keep the files for good."""
        return f"{self.name}-{self.version}"


PACKAGES = (
    Package(
        name="three",
        version="0.184.0",
        integrity="sha512-wtTRjG92pM5eUg/KuUnHsqSAlPM296brTOcLgMRqEeylYTh/CdtvKUvCyyCQTzFuStieWxvZb8mVTMvdPyUpxg==",
        license="MIT",
        license_file="LICENSE",
        files=(
            "build/three.core.min.js",
            "build/three.module.min.js",
            "examples/jsm/controls/OrbitControls.js",
            "examples/jsm/loaders/GLTFLoader.js",
            "examples/jsm/utils/BufferGeometryUtils.js",
            "examples/jsm/utils/SkeletonUtils.js",
        ),
    ),
)


def main() -> None:
    """Replace the vendor folder."""
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name) / "vendor"
        fresh.mkdir()
        listed = [_vendored(package, Path(name), fresh) for package in PACKAGES]
        (fresh / "vendor.json").write_text(json.dumps(listed, indent=1) + "\n")
        (fresh / "LICENSES.md").write_text(_licenses(fresh))
        shutil.rmtree(VENDOR, ignore_errors=True)
        shutil.copytree(fresh, VENDOR)


def _vendored(package: Package, work: Path, vendor: Path) -> dict[str, object]:
    named = f"{package.name}@{package.version}"
    packed = subprocess.run(["npm", "pack", "--silent", named], cwd=work, check=True, capture_output=True, text=True)
    archive = work / packed.stdout.split()[-1]
    digest = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != package.integrity:
        sys.exit(f"{named} is not what was pinned: its archive has {digest}, PACKAGES says {package.integrity}")
    hashes = {}
    with tarfile.open(archive) as tar:
        for path in (*package.files, package.license_file):
            member = tar.extractfile(f"package/{path}")
            if member is None:
                sys.exit(f"{named} has no file {path}")
            data = member.read()
            target = vendor / package.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            hashes[f"{package.folder}/{path}"] = hashlib.sha256(data).hexdigest()
    return {"name": package.name, "version": package.version, "license": package.license, "integrity": digest, "sha256": hashes}


def _licenses(vendor: Path) -> str:
    lines = ["# Licenses of what the page carries", ""]
    for package in PACKAGES:
        text = (vendor / package.folder / package.license_file).read_text().strip()
        lines += [f"## {package.name} {package.version}: {package.license}", ""]
        lines += [*(f"    {line}".rstrip() for line in text.splitlines()), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
