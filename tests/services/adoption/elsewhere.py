"""A TFTP server that another tool signed lists for: its keys, lists and folder.

Lists are sealed by the product, in the dialect of CUCM; ``tests/rigs/foreign_lists``
has other dialects, by code of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from cucmsh.pki.certificates import to_pem
from cucmsh.pki.credential import Credential
from cucmsh.pki.model import Certificate, Unit
from cucmsh.secret import Secret
from cucmsh.trustlist.encode import full_record, hashed_record
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.sealing import seal
from cucmsh.trustlist.tags import Digest, Role
from tests.services.made_cluster import (
    START,
    SUBJECT,
    MadeCluster,
    QuickKeys,
    made_cluster,
)

MADE = START - timedelta(days=90)
PASSWORD = "cisco"  # shorter than what a node keeps


def credential(
    name: str, unit: Unit = Unit.CALL_MANAGER, days: int = 1825
) -> Credential:
    return QuickKeys.make_credential(unit, name, SUBJECT, MADE, days=days)


class Elsewhere:
    """See the module.

    Attributes:
        folder: what it serves.
        signer: signs its lists, and stands in them as SAST and TFTP.
        second: the other SAST, which is kept off the machine.
        application: an application server (role 7).
        capf: what phones enrolled with.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.signer = credential("old.example")
        self.second = credential("ITLRECOVERY_old.example", Unit.ITL_RECOVERY)
        self.application = credential("app.example")
        self.capf = credential("CAPF-old", Unit.CAPF)

    def records(self) -> list[Record]:
        return [
            full_record(Role.SAST, self.signer.certificate),
            full_record(Role.TFTP, self.signer.certificate),
            full_record(Role.APPLICATION_SERVER, self.application.certificate),
            hashed_record(Role.CAPF, self.capf.certificate),
            full_record(Role.SAST, self.second.certificate),
        ]

    def sealed(
        self,
        signer: Credential | None = None,
        records: Sequence[Record] | None = None,
        name: str = "ITLFile.tlv",
    ) -> TrustList:
        return seal(
            self.records() if records is None else records,
            signer or self.signer,
            timestamp=int(MADE.timestamp()),
            digest=Digest.SHA1,
            file_name=name,
        )

    def serve(self, trust_list: TrustList | None = None, name: str = "") -> Path:
        """Put the list into the folder; gives its path."""
        trust_list = trust_list or self.sealed()
        path = self.folder / (name or trust_list.header.file_name)
        path.write_bytes(trust_list.raw)
        return path

    def key_file(self, key: Credential | None = None, *, has_name: bool = True) -> Path:
        """The key in PEM, with its certificate or alone."""
        key = key or self.signer
        pem = key.to_pem()
        if not has_name:
            pem = pem.partition(b"-----BEGIN CERT")[0]
        return _write("key.pem", pem)

    def pkcs12(self, key: Credential | None = None, password: str = PASSWORD) -> Path:
        key = key or self.signer
        return _write("key.p12", QuickKeys.write_key_file(key, Secret(password)))


def ready_cluster(root: Path) -> MadeCluster:
    """A cluster that may adopt: trust is kept, and configurations are on disk."""
    made = made_cluster(root, keep_trust=True)
    made.write_configurations()
    return made


def certificate_file(certificate: Certificate) -> Path:
    return _write("certificate.pem", to_pem(certificate))


def _write(name: str, raw: bytes) -> Path:
    path = Path(tempfile.mkdtemp(), name)
    path.write_bytes(raw)
    return path
