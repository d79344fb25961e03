"""Debian's Chromium without a window, which reaches nothing but this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

SECONDS = 60
ARGV = (
    "chromium",
    "--headless",
    "--no-sandbox",  # as root it has none
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def shown(url: str, profile: Path) -> str:
    """The document as Chromium has it after it ran whatever was in it."""
    return _run(profile, "--dump-dom", url).decode()


def picture(url: str, profile: Path, to: Path) -> bytes:
    """A picture of the page, PNG."""
    _run(
        profile, "--hide-scrollbars", "--window-size=760,330", f"--screenshot={to}", url
    )
    return to.read_bytes()


def _run(profile: Path, *words: str) -> bytes:
    return subprocess.run(
        [*ARGV, f"--user-data-dir={profile}", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=SECONDS,
    ).stdout
