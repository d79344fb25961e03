"""Results as the JSON that ``-c LINE --json`` gives: schema ``cucmsh/1``. Pure.

Values in, plain values out; nothing is read from text. Digests and serial numbers are
lower-case hex without separators, times are ISO 8601 in UTC to the second, sizes are
bytes, and what is not there is null. The keys of each result::

    show itl                  node length md5 sha1 sha256 modified
                              version file_name timestamp digest
                              signer: name issuer serial
                              records[]: number role dns_name ip_address subject issuer
                                serial certificate_sha1 certificate_sha256
                                hash hash_algorithm is_signer
                              verified reason
                              other_lists[]: node sha1 problem
                              foreign: what advice is_kept
    show itl all              node nodes[]: name state length md5 sha1 signer
                                timestamp age_seconds same_as[] reasons[]
    show cert list own        node certificates[]: unit subject issuer serial
                                self_signed not_before not_after key_type key_bits
                                signature_algorithm sha1 sha256
    show, set tls min-version node tls_minimum
    show cert list trust      node certificates[]: as above, and trust name member
                              problems[]
    show cert trust           node certificate pem
    show csr list             node requests[]
    show csr own, set csr gen
                              node request: unit common_name hosts[] key_type key_bits
                                pem
    set cert import own       node certificate: as in show cert list own
                              nodes[]: name state done reason
    set cert import trust     node imported[]: as in show cert list own, and trust
                                was_there replaced refused
                              nodes[]: name state done reason
    set cert delete           node trust name copy
    set cert bulk export, consolidate
                              node exported[]: type number path sha256 proven reason
    set cert bulk import      as set cert import trust
    show cert hold            node unit remaining_seconds
    show status               node date time_zone locale product_version
                              os_version uptime_seconds users load[]
                              cpu: idle system user iowait irq soft
                              memory: total free used cached shared buffers
                              disks[]: name path total free used percent
    utils service list        node is_primary
                              services[], platform_services[]: name state reason
    utils itl reset ...       node length sha1 sha256 signer
                              nodes[]: name state done reason
    utils itl preview ..., cucmsh preview
                              node change elsewhere silent is_locking_out
                              offer: nodes[] signer is_kept remark md5 sha1
                              holders[]: held sha1 ctl way reason node model phones
                                is_given_up
    the page's map            node change elsewhere is_locking_out
                              lists[]: nodes[] state sha1 signer next_signers[]
                                reasons[] silent holders[]: as utils itl preview
                              without[]: name state reasons[]
    utils itl preview release, cucmsh preview release
                              node change is_locking_out
                              previews[]: as utils itl preview
                              not_asked[]: name reason
    set release               node release problems[]
                              nodes[]: name state done reason signer
    utils itl trust release   node signer given_up[]: sha1 reason
    show itl phones ...       node state of_node page pages found silent
                              counts: phones match mismatch unknown stale no_recovery
                              nameless: requests addresses
                              lists[]: itl sha1 md5 served_by[] first_served
                                last_served signer same_keys_as[] has_recovery
                              phones[]: name states[] address node model load itl
                                itl_time source worth unconfirmed_itl ctl ctl_time
                                alarm_status text seen seen_by
    the page of one phone     node phone: as above
                              history[]: source first last address node file itl ctl
                                alarm_status text
    utils disaster_recovery device ...
                              devices[]: name host port user path kept
                              deleted[]
    utils disaster_recovery backup, status, history, cancel_backup
                              job or jobs[] or, of backup, at the top:
                                kind tar device place operation features[] begun
                                ended result percent reason
                                components[]: node component status time
                              removed[]
    utils disaster_recovery schedule ...
                              schedules[]: name device features[] first repeat
                                is_enabled
    utils disaster_recovery show_backupfiles
                              sets[]: tar host problem release bytes
    utils disaster_recovery estimate_tar_size
                              bytes
    utils disaster_recovery restore
                              tar host files kept_in
    utils disaster_recovery prepare
                              node state (prepared)
    utils phone reset, restart
                              node action phones told returned silent[] left[]
                              failed[]: name reason
                              stopped
    set cert regen            node certificate: as in show cert list own
                              nodes[]: name state done reason
    set network hostname, set network domain
                              node full_name made[] restarted[] stopped[] by_hand[]
                              problems[] tvs_stays
                              told[], nodes[]: name state done reason
    show cert own             node certificate pem
    utils service start, stop, restart
                              node service state problems[] foreign
                              nodes[]: name state done reason
    utils tftp sign           node signed[] unchanged[] failed[]: file reason
                              orphans[] misplaced[] encrypted[]
                              nodes[]: name state done reason
    file list ...             node folders[] files[]
                              entries[]: name size modified (with detail)
    file view ...             node file text left_out
    file search ...           node files[]: file lines[]
                              cut
    file tail ...             node file lines[]
    file delete ...           node found deleted refused[]: file reason
    file get tftp             node file server: host port user
                              path sha256 proven reason was_there earlier
                              why_elsewhere second_copy
    file get activelog        node files[]: as file get tftp
    show network cluster      node nodes[]: name full_name address role
                                authenticated reason
    show version active       node release version build
    show myself               node account level counts_commands
    show packs                packs[]: name path problem commands[]
    help                      commands[]: phrase summary description options
                                examples changes publisher_only has_json
    show, set cli pagination  pagination
    show, set cli session timeout
                              node minutes
    set commandcount          counts_commands
    set password user security
                              node others[]
                              nodes[]: name reason
    set password user admin, ccmadmin
                              node
    show account              node accounts[]: name level is_enabled is_locked
    set account name          node account level has_login
    set account enable, disable
                              node account is_enabled
    delete account            node account
    show, set session maxlimit
                              node most_sessions
    show, set accountlocking  node is_enabled retry_count unlock_seconds

    doctor                    node findings[]: level what advice
    verify                    held[]: file sha1 sha256 problem
                              files[]: file length sha1 sha256 is_list file_name
                                timestamp signer verified reason
                                held[]: file accepted reason
    node list                 node nodes[]: name role address login tftp findings[]

``way`` is direct, tvs, locked out or unknown; ``phones`` null where nobody counted.
``level`` is ok, warn or fail; ``login`` is null or why our key does not lead there;
``tftp`` is same list, other list, pending, no list, no answer, error, or null without
the service. ``role`` is SAST, CCM, CCM_TFTP, TFTP, CAPF, TVS, APPLICATION_SERVER or a
number as text; ``state`` of a service started or stopped, of a node updated, unchanged,
stopped (it has the list, its TFTP service is down), unproven, unknown (it fell silent
in its change) or pending; of the list on a node current, stale, not verified, from
elsewhere, no list, no answer or error. ``other_lists`` are nodes that should serve this
very list and do not; ``foreign`` is null for a list that this cluster made;
``left_out`` are the bytes of a log before ``text``; ``cpu`` has per cent, ``memory``
and ``disks`` kibibytes. ``quit`` and ``exit`` alone have no result.
Within the schema keys and words are added, never changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import md5, sha1, sha256

from cucmsh.hosts import host_port
from cucmsh.services.lists.foreign import ForeignList
from cucmsh.services.lists.plan_reset import ResetPlan
from cucmsh.services.lists.show_list import HeldList, Mismatch
from cucmsh.services.lists.verify_file import Inspection
from cucmsh.services.lists.verify_table import HeldFile, Row, Table
from cucmsh.services.nodes.health.finding import Finding
from cucmsh.services.nodes.health.node_status import NodeHealth
from cucmsh.services.outcome import NodeOutcome, Report
from cucmsh.services.site import Site
from cucmsh.trustlist.model import Header, Record
from cucmsh.trustlist.tags import Digest, Role
from cucmsh.views.inspection import fault_of
from cucmsh.views.times_and_sizes import iso_time
from cucmsh.views.trust_list import is_signer

Document = dict[str, object]


def list_document(
    node: str,
    held: HeldList,
    mismatches: Iterable[Mismatch],
    foreign: ForeignList | None = None,
) -> Document:
    """``show itl``."""
    header = held.trust_list.header
    records = enumerate(held.trust_list.records, 1)
    return {
        "node": node,
        **_digests(held.raw),
        "md5": md5(held.raw, usedforsecurity=False).hexdigest(),
        "modified": iso_time(held.modified),
        "version": ".".join(str(part) for part in header.version),
        "file_name": header.file_name or None,
        "timestamp": iso_time(header.timestamp),
        "digest": _digest_name(header.digest),
        "signer": {
            "name": header.signer_name,
            "issuer": header.ca_name,
            "serial": header.serial.hex(),
        },
        "records": [_record(number, record, header) for number, record in records],
        "verified": held.verdict.is_valid,
        "reason": held.verdict.reason or None,
        "other_lists": [
            {
                "node": found.name,
                "sha1": found.sha1 or None,
                "problem": found.problem or None,
            }
            for found in mismatches
        ],
        "foreign": foreign and foreign._asdict(),
    }


def cluster_document(site: Site, problems: Mapping[str, str]) -> Document:
    """``show network cluster``.

    Args:
        site: the node that asked.
        problems: for each node that was asked, why it lets us not in, or nothing.
    """
    cluster = site.settings.cluster
    nodes = [node for node in cluster.nodes if node.name in problems]
    return {
        "node": site.node.name,
        "nodes": [
            {
                "name": node.name,
                "full_name": cluster.full_name(node),
                "address": node.ssh.host if node.ssh else node.tftp.host,
                "role": node.role.value,
                "authenticated": not problems[node.name],
                "reason": problems[node.name] or None,
            }
            for node in nodes
        ],
    }


def reset_document(node: str, plan: ResetPlan, report: Report) -> Document:
    """``utils itl reset localkey`` and ``remotekey``."""
    return {
        "node": node,
        **_digests(plan.trust_list.raw),
        "signer": plan.signer.subject_name,
        "nodes": [outcome_document(outcome) for outcome in report.outcomes],
    }


def doctor_document(node: str, findings: Iterable[Finding]) -> Document:
    """``cucmsh doctor``."""
    return {"node": node, "findings": [_finding(found) for found in findings]}


def verify_document(table: Table) -> Document:
    """``cucmsh verify``."""
    lists = [_held(entry) for entry in (*table.held, *table.left_out)]
    return {"held": lists, "files": [_verified(row, table.held) for row in table.rows]}


def _held(entry: HeldFile) -> Document:
    raw = entry.trust_list.raw if entry.trust_list else None
    return {
        "file": entry.file,
        "sha1": raw and sha1(raw, usedforsecurity=False).hexdigest(),
        "sha256": raw and sha256(raw).hexdigest(),
        "problem": entry.problem or None,
    }


def _verified(row: Row, held: Iterable[HeldFile]) -> Document:
    """One that cannot be read has its path and the reason, and null for the rest."""
    seen = row.seen
    header, digests, fault = None, _digests(b""), row.problem
    if seen is None:
        digests = dict.fromkeys(digests)
    else:
        header, digests, fault = seen.header, _digests(seen.raw), fault_of(seen)
    return {
        "file": row.file,
        **digests,
        "is_list": seen and isinstance(seen, Inspection),
        "file_name": header and (header.file_name or None),
        "timestamp": header and iso_time(header.timestamp),
        "signer": header and header.signer_name,
        "verified": row.is_sound,
        "reason": None if row.is_sound else fault,
        "held": [
            {
                "file": holding.file,
                "accepted": verdict.accepted and row.is_sound,
                "reason": verdict.reason,
            }
            for holding, verdict in zip(held, row.verdicts, strict=False)
        ],
    }


def nodes_document(node: str, seen: Iterable[NodeHealth]) -> Document:
    """``cucmsh node list``."""
    return {"node": node, "nodes": [_node(entry) for entry in seen]}


def _node(entry: NodeHealth) -> Document:
    ssh = entry.node.ssh
    return {
        "name": entry.node.name,
        "role": entry.node.role.value,
        "address": host_port(ssh.host, ssh.port) if ssh else None,
        "login": entry.problem or None,
        "tftp": entry.serving.value if entry.node.has_tftp else None,
        "findings": [_finding(found) for found in entry.findings],
    }


def _finding(found: Finding) -> Document:
    return {
        "level": found.level.value,
        "what": found.what,
        "advice": found.advice or None,
    }


def _digests(raw: bytes) -> Document:
    return {
        "length": len(raw),
        "sha1": sha1(raw, usedforsecurity=False).hexdigest(),
        "sha256": sha256(raw).hexdigest(),
    }


def _record(number: int, record: Record, header: Header) -> Document:
    certificate = record.certificate
    digest = record.certificate_hash
    return {
        "number": number,
        "role": _role_name(record.role),
        "dns_name": record.dns_name.strip() or None,
        "ip_address": record.ip_address or None,
        "subject": record.subject_name or None,
        "issuer": record.issuer_name or None,
        "serial": record.serial.hex() or None,
        "certificate_sha1": certificate
        and sha1(certificate, usedforsecurity=False).hexdigest(),
        "certificate_sha256": certificate and sha256(certificate).hexdigest(),
        "hash": digest and digest.hex(),
        "hash_algorithm": _digest_name(record.hash_algorithm),
        "is_signer": is_signer(record, header),
    }


def _role_name(code: int | None) -> str | None:
    if code is None:
        return None
    return Role(code).name if code in set(Role) else str(code)


def _digest_name(code: int | None) -> str | None:
    if code is None:
        return None
    return Digest(code).hash_name if code in set(Digest) else str(code)


def outcome_document(outcome: NodeOutcome) -> Document:
    """One entry of ``nodes``, of a change to several."""
    return {
        "name": outcome.name,
        "state": outcome.state.name.lower(),
        "done": outcome.is_done,
        "reason": outcome.reason or None,
    }
