"""Names that phones meet: made once a session."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.phones.made import Identity, identity

NAMES = {
    # name of the test: common name, serial number, key
    "old": ("pub.lab", 1, 0),
    "new": ("pub.lab", 2, 1),  # regenerated: the name stays
    "recovery": ("ITLRECOVERY pub.lab", 3, 2),
    "other": ("sub.lab", 4, 3),
    "impostor": ("pub.lab", 1, 3),  # issuer and serial number of `old`, another key
    "tvs": ("pub.lab", 5, 0),
    "new tvs": ("pub.lab", 6, 1),
    "large": ("large.lab", 7, 4),
}
SIZES = (1024, 1024, 1024, 1024, 2048)


@pytest.fixture(scope="session")
def people() -> dict[str, Identity]:
    keys = [rsa.generate_private_key(65537, size) for size in SIZES]
    return {
        called: identity(name, serial, keys[key])
        for called, (name, serial, key) in NAMES.items()
    }
