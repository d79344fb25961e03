"""What servers that take alarms over TLS show."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A server's key, and its certificate for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("pair")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    words = [
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9"),
        *("-keyout", str(key), "-out", str(certificate), "-subj", "/CN=127.0.0.1"),
        *("-addext", "subjectAltName=IP:127.0.0.1"),
    ]
    subprocess.run(words, check=True, capture_output=True)
    return key, certificate
