"""The one check after every fault (docs/security.md#after-every-fault).

Judges by what is on the disks and what TFTP gives back, with a verifier of its own;
of the product's words it only asks whether they are true.
"""

from __future__ import annotations

import fcntl
import functools
import os
import re
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    pkcs12,
)

from tests.faults.cluster import CCM, LIST_FILE, PUBLISHER, SECURITY, Cluster, Result
from tests.faults.second_verifier import read
from tests.rigs.tftp_get import get_when_it_answers
from tests.rigs.waiting import until

KEY_FILES = "ITLRecovery.p12*"
CANARIES = (CCM.encode(), SECURITY.encode())
UPDATED = re.compile(r"^Successfully transferred reset ITL to node (\S+)", re.MULTILINE)
RESTARTED = re.compile(r"^Cisco Tftp service restarted on host (\S+)", re.MULTILINE)
PENDING = re.compile(r"nodes updated; pending: (.+)$", re.MULTILINE)
TRACEBACK = "Traceback (most recent call last)"
# The original's debug chatter is a named regression (docs/security.md).
NOISE = (TRACEBACK, "Processing token", "coutn is")

Lists = dict[str, bytes]


def lists_on_disk(cluster: Cluster) -> Lists:
    """Each node's list in its TFTP directory."""
    found = {PUBLISHER: (cluster.tftp / LIST_FILE).read_bytes()}
    return found | {node.name: node.list_file.read_bytes() for node in cluster.members}


def lists_served(cluster: Cluster) -> Lists:
    """Each node's list as TFTP gives it, of the nodes whose service should run."""
    services = {PUBLISHER: cluster.service}
    services |= {node.name: node.service for node in cluster.members}
    return {
        name: get_when_it_answers(service.make.host, service.make.port, LIST_FILE)
        for name, service in services.items()
        if service.should_run
    }


def check(cluster: Cluster, old: bytes | set[bytes], *results: Result) -> Lists:
    """I1, I2, I3, I4 and I6 hold right now; gives what is served.

    Args:
        cluster: as the fault left it.
        old: the list, or the lists, that were served before.
        results: the commands that have ended, for what they said.
    """
    olds = {old} if isinstance(old, bytes) else old
    disk, served = lists_on_disk(cluster), lists_served(cluster)
    for name, raw in [*disk.items(), *served.items()]:
        assert raw in olds or read(raw).is_reset, f"{name}: a list of a third kind"
    for raw in {*disk.values(), *served.values()}:
        assert_key_is_there(cluster.home, raw)
    assert_locks_are_free(cluster.home)
    for result in results:
        for noise in NOISE:
            assert noise not in result.transcript, result.transcript
    assert_no_canary(cluster, *results)
    return served


def check_words(result: Result, served: Lists, old: bytes | set[bytes]) -> None:
    """Whatever the command called updated is; it exits 0 only if every node is."""
    olds = {old} if isinstance(old, bytes) else old
    updated = {*UPDATED.findall(result.said), *RESTARTED.findall(result.said)}
    updated -= pending_in(result)
    for name in updated & served.keys():
        assert served[name] not in olds, f"{name} was called updated: {result.said}"
    if result.status == 0:
        fresh = set(served.values())
        assert len(fresh) == 1, result.said
        assert not fresh & olds, result.said


def check_converged(
    cluster: Cluster, result: Result, old: bytes | set[bytes], known: set[Path]
) -> None:
    """The rerun did all that an undisturbed run does, and left nothing else (I5)."""
    assert result.status == 0, result.transcript
    served = check(cluster, old, result)
    check_words(result, served, old)
    assert len({*served.values(), *lists_on_disk(cluster).values()}) == 1
    litter = set(cluster.snapshot()) - known
    assert not litter, f"left behind: {sorted(map(str, litter))}"


def pending_in(result: Result) -> set[str]:
    """The nodes that the last line calls pending."""
    found = PENDING.search(result.said)
    return set(found[1].split(", ")) if found else set()


def assert_key_is_there(home: Path, raw: bytes) -> None:
    """Some key file opens with the present password and is the list's (I2)."""
    wanted = read(raw).recovery
    files = sorted((home / "security" / "ITLRecovery").glob(KEY_FILES))
    held = [_opened(path.read_bytes()) for path in files]
    assert (wanted.certificate, wanted.key) in held, "no key file fits the list"


def assert_opens(raw: bytes) -> None:
    """The key file is whole."""
    assert _opened(raw) is not None, "a key file that does not open"


@functools.cache
def _opened(raw: bytes) -> tuple[bytes, bytes] | None:
    """Certificate and public key of a PKCS#12; None if it does not open."""
    try:
        bundle = pkcs12.load_pkcs12(raw, SECURITY.encode())
    except ValueError:
        return None
    assert bundle.key is not None
    assert bundle.cert is not None
    own = bundle.key.public_key()
    named = bundle.cert.certificate.public_key()
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert own.public_bytes(*form) == named.public_bytes(*form), "key of another"
    key = own.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    return bundle.cert.certificate.public_bytes(Encoding.DER), key


def assert_locks_are_free(home: Path) -> None:
    """Whoever held a lock is gone, and the kernel knows (I3).

    A restart that was asked for goes on without us, and holds one for a moment.
    """
    state = home / "state"
    for path in (state, *state.glob("*.lock")):
        until(functools.partial(_can_be_locked, path), f"{path} is still held")


def _can_be_locked(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def assert_no_canary(cluster: Cluster, *results: Result) -> None:
    """No password stands anywhere but in the one file that keeps it (I6)."""
    for path, (_, _, _, raw) in cluster.snapshot().items():
        if raw is not None and path.parent.name != "secrets":
            for canary in CANARIES:
                assert canary not in raw, f"a password is in {path}"
    for result in results:
        for canary in CANARIES:
            assert canary.decode() not in result.transcript, result.transcript
