"""Keys once a session, and the lists that most tests look at."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.sealing import seal
from cucmsh.trustlist.tags import Digest
from tests.trustlist.builders import (
    TAIL,
    Cluster,
    HandMadeList,
    KeySigner,
    LibraryVerifier,
    certutils_record,
    hand_made,
    public_bytes,
    stand_in,
)

FEBRUARY_2014 = 1393439067


@pytest.fixture(scope="session")
def keys() -> list[rsa.RSAPrivateKey]:
    """Three keys of 1024 bits and one of 2048."""
    sizes = (1024, 1024, 1024, 2048)
    return [rsa.generate_private_key(65537, size) for size in sizes]


@pytest.fixture(scope="session")
def cluster(keys: list[rsa.RSAPrivateKey]) -> Cluster:
    """Names and sizes of the source document, as its lengths tell them.

    See docs/formats.md#sizes.
    """
    publics = [public_bytes(key.public_key()) for key in keys]
    publisher = "CN=test10pub.joemar2.lab" + TAIL
    recovery = "CN=ITLRECOVERY_test10.joemar2.lab" + TAIL
    return Cluster(
        KeySigner(keys[0], stand_in(publisher, publics[0], size=684)),
        KeySigner(keys[1], stand_in(recovery, publics[1], size=692)),
        stand_in("CN=CAPF-0e8f4a75" + TAIL, publics[2]),
        stand_in(publisher, publics[2], serial=b"T" * 16),
        stand_in(
            "CN=test10sub.joemar2.lab" + TAIL, publics[3], signature=b"\x77" * 256
        ),
    )


@pytest.fixture(scope="session")
def sealed(cluster: Cluster) -> TrustList:
    """The list before the reset: CallManager signs with SHA-1."""
    return seal(
        cluster.records(),
        cluster.call_manager,
        timestamp=FEBRUARY_2014,
        digest=Digest.SHA1,
    )


@pytest.fixture(scope="session")
def certutils(cluster: Cluster) -> HandMadeList:
    """A list as certutils writes it, not yet signed."""
    signer = cluster.call_manager.certificate
    name = "C=US,O=cisco\\, inc,CN=test10pub"
    return hand_made(signer, name, certutils_record(0, signer, name))


@pytest.fixture(scope="session")
def certutils_raw(cluster: Cluster, certutils: HandMadeList) -> bytes:
    signature = cluster.call_manager.sign(certutils.unsigned(), "sha512")
    return certutils.signed(signature)


@pytest.fixture
def verifier() -> LibraryVerifier:
    return LibraryVerifier()
