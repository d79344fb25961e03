"""What changes and files give as JSON, schema ``cucmsh/1``. Pure.

The keys stand with all others in ``cucmsh.views.documents``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cucmsh.pki.model import Certificate
from cucmsh.remote.file_transfer import SentFile
from cucmsh.services.backends import BackupServer
from cucmsh.services.lists.give_up_phones import GiveUpPlan
from cucmsh.services.lists.sign_and_bring import SignedAndBrought
from cucmsh.services.nodes.service_control import Start
from cucmsh.services.outcome import NodeOutcome
from cucmsh.views.certificate_documents import certificate_document
from cucmsh.views.documents import Document, outcome_document


def regenerated_document(
    node: str, unit: str, certificate: Certificate, outcomes: Iterable[NodeOutcome]
) -> Document:
    """``set cert regen``."""
    return {
        "node": node,
        "certificate": certificate_document(unit, certificate),
        "nodes": [outcome_document(outcome) for outcome in outcomes],
    }


def service_document(node: str, name: str, start: Start | None) -> Document:
    """``utils service start|stop|restart``; a stop has no ``start``."""
    replicas = start.replicas.outcomes if start and start.replicas else ()
    foreign = start.foreign if start else None
    return {
        "node": node,
        "service": name,
        "state": "started" if start else "stopped",
        "problems": list(start.problems) if start else [],
        "nodes": [outcome_document(outcome) for outcome in replicas],
        "foreign": foreign and foreign._asdict(),
    }


def release_document(node: str, plan: GiveUpPlan) -> Document:
    """``utils itl trust release``."""
    return {
        "node": node,
        "signer": plan.key,
        "given_up": [
            {"sha1": refusal.kept.digests.sha1, "reason": refusal.reason}
            for refusal in plan.given_up
        ],
    }


def signing_document(node: str, done: SignedAndBrought) -> Document:
    """``utils tftp sign``."""
    report = done.report
    return {
        "node": node,
        "signed": list(report.signed),
        "unchanged": list(report.unchanged),
        "failed": [{"file": name, "reason": why} for name, why in report.failed],
        "orphans": list(report.orphans),
        "misplaced": list(report.misplaced),
        "encrypted": list(report.encrypted),
        "nodes": [outcome_document(outcome) for outcome in done.replicas.outcomes],
    }


def listing_document(
    node: str, folders: Sequence[str], files: Sequence[str]
) -> Document:
    """``file list``."""
    return {"node": node, "folders": list(folders), "files": list(files)}


def text_document(node: str, file: str, text: str, left_out: int = 0) -> Document:
    """``file view``."""
    return {"node": node, "file": file, "text": text, "left_out": left_out}


def sent_logs_document(
    node: str, server: BackupServer, sent: Mapping[str, SentFile]
) -> Document:
    """``file get activelog``."""
    files = [sent_document(node, name, server, each) for name, each in sent.items()]
    return {"node": node, "files": files}


def sent_document(
    node: str, file: str, server: BackupServer, sent: SentFile
) -> Document:
    """``file get tftp``."""
    return {
        "node": node,
        "file": file,
        "server": {"host": server.host, "port": server.port, "user": server.user},
        "path": sent.path,
        "sha256": sent.sha256,
        "proven": not sent.why_unproven,
        "reason": sent.why_unproven or None,
        "was_there": sent.was_there,
        "earlier": sent.earlier or None,
        "why_elsewhere": sent.why_elsewhere or None,
        "second_copy": sent.second_copy or None,
    }
