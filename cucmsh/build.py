"""Which build runs here: tells two installations of one version apart."""

from __future__ import annotations

import os
from zlib import crc32

from cucmsh import __version__

PACKAGES = ("cucmsh/", "commands/")
UNINSTALLED = "source tree"


def version_line() -> str:
    """``cucmsh 0.1.0 (build 1f2e3d4c5b)``.

    The build is a checksum (CRC-32) of what pip wrote down of the installed modules, so
    it is the same wherever the same files were installed, by any Python.
    """
    return f"cucmsh {__version__} (build {build()})"


def build() -> str:
    """The build alone."""
    return build_of(_record())


def _record() -> str:
    """What pip installed (the RECORD of the distribution); empty for a source tree."""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    try:
        with open(f"{folder}/cucmsh-{__version__}.dist-info/RECORD") as file:
            return file.read()
    except (OSError, ValueError):
        return ""


def build_of(record: str) -> str:
    """The build that this RECORD is of."""
    lines = [line for line in record.splitlines() if line.startswith(PACKAGES)]
    modules = sorted(line for line in lines if ".py," in line)
    if not modules:
        return UNINSTALLED
    text = "\n".join(modules)
    return f"{crc32(text.encode()):08x}"
