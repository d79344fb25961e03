"""JSON of certificates: shown, asked for, imported and exported. Pure.

The keys stand with all others in ``cucmsh.views.documents``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cucmsh.pki.model import Certificate
from cucmsh.views.documents import Document, outcome_document
from cucmsh.views.times_and_sizes import iso_time

if TYPE_CHECKING:
    from cucmsh.pki.requests import SigningRequest
    from cucmsh.services.certificates.bulk import Exported
    from cucmsh.services.certificates.every_certificate import KnownCertificate
    from cucmsh.services.certificates.imports import Imports
    from cucmsh.services.certificates.trust_store import TrustedShown


def certificate_shown_document(
    node: str, unit: str, certificate: Certificate, pem: bytes
) -> Document:
    """``show cert own``."""
    return {
        "node": node,
        "certificate": certificate_document(unit, certificate),
        "pem": pem.decode("ascii"),
    }


def certificates_document(
    node: str, entries: Iterable[tuple[str, Certificate]]
) -> Document:
    """``show cert list own``."""
    return {
        "node": node,
        "certificates": [certificate_document(unit, found) for unit, found in entries],
    }


def known_certificates_document(
    node: str, entries: Iterable[KnownCertificate]
) -> Document:
    """The certificates of all nodes, as the page has them."""
    return {
        "node": node,
        "certificates": [
            {
                "node": each.node,
                "usage": each.usage,
                "name": each.name,
                "unit": each.unit,
                "problem": each.problem or None,
                **(
                    {}
                    if each.certificate is None
                    else certificate_document(each.unit, each.certificate)
                ),
            }
            for each in entries
        ],
    }


def trusted_document(node: str, shown: TrustedShown) -> Document:
    """``show cert list trust``."""
    return {
        "node": node,
        "certificates": [
            {
                **certificate_document(
                    each.trust.removesuffix("-trust"), each.certificate
                ),
                "trust": each.trust,
                "name": each.name,
                "member": each.node or None,
            }
            for each in shown.entries
        ],
        "problems": list(shown.problems),
    }


def request_document(node: str, unit: str, request: SigningRequest) -> Document:
    """``show csr own`` and ``set csr gen``."""
    return {
        "node": node,
        "request": {
            "unit": unit,
            "common_name": request.common_name,
            "hosts": list(request.hosts),
            "key_type": request.key_type,
            "key_bits": request.key_bits,
            "pem": request.pem.decode("ascii"),
        },
    }


def bulk_document(node: str, done: Iterable[Exported]) -> Document:
    """``set cert bulk export`` and ``consolidate``."""
    return {
        "node": node,
        "exported": [
            {
                "type": each.kind,
                "number": each.number,
                "path": each.sent.path,
                "sha256": each.sent.sha256,
                "proven": not each.sent.why_unproven,
                "reason": each.sent.why_unproven or None,
            }
            for each in done
        ],
    }


def imports_document(node: str, imports: Imports) -> Document:
    """``set cert import trust``."""
    return {
        "node": node,
        "imported": [
            {
                **certificate_document(
                    each.trust.removesuffix("-trust"), each.certificate
                ),
                "trust": each.trust,
                "was_there": each.was_there,
                "refused": each.refused or None,
                "replaced": each.replaced and each.replaced.serial.hex(),
            }
            for each in imports.done
        ],
        "nodes": [outcome_document(each) for each in imports.outcomes],
    }


def certificate_document(unit: str, certificate: Certificate) -> Document:
    """One entry of ``certificates``."""
    return {
        "unit": unit,
        "subject": certificate.subject_name,
        "issuer": certificate.issuer_name,
        "serial": certificate.serial.hex(),
        "self_signed": certificate.is_self_signed,
        "not_before": iso_time(certificate.not_before),
        "not_after": iso_time(certificate.not_after),
        "key_type": certificate.key_type,
        "key_bits": certificate.key_bits,
        "signature_algorithm": certificate.signature_algorithm,
        "sha1": certificate.sha1_fingerprint.hex(),
        "sha256": certificate.sha256_fingerprint.hex(),
    }
