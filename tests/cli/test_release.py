"""A cluster of release 12.5 out of nothing: real processes, sshd, TFTP.

The publisher signs the subscriber's list, and no regeneration strands a phone.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cucmsh.trustlist.decode import decode
from tests.cli.conftest import CCM, SECURITY
from tests.cli.hosts import Host, Member
from tests.services.holder import takes

pytestmark = [pytest.mark.thorough, pytest.mark.loopback]

ABOUT = ("--domain", "example.org", "--subject", "O=example;C=US")


@pytest.fixture(scope="module")
def second(make_host: Callable[[str], Host]) -> Host:
    return make_host("sub")


@pytest.fixture(scope="module")
def subscriber(publisher: Member, second: Host, administrator: Path) -> Member:
    """Made, added, given its list, and started; so is its publisher."""
    publisher.release = "12.5"
    made = publisher.call(
        *("init", "publisher", *ABOUT, *publisher.init_options),
        *("--secrets-fd", "FD"),
        secrets=f"{SECURITY}\n{CCM}\n",
    )
    assert made.returncode == 0, made.stderr
    assert publisher.tftp.do("start") == 0
    member = Member(second.folder, "sub", second.tftp)
    member.release = "15"  # `node add` brings it the publisher's
    made = member.call(
        *("init", "subscriber", "--publisher", "pub", *ABOUT, *member.init_options),
        *("--secrets-fd", "FD"),
        secrets=f"{SECURITY}\n",
    )
    assert made.returncode == 0, made.stderr
    done = publisher.call(
        *("node", "add", "sub", "--role", "subscriber", *second.options),
        *("--identity", str(administrator), "--host-key", second.key_line),
        *("--program", " ".join(member.program)),
    )
    assert "sub was given the list that its next start serves" in done.stdout
    assert 'release = "12.5"' in member.config.read_text()
    assert member.tftp.do("start") == 0
    return member


def served(member: Member, folder: Path) -> bytes:
    return member.tftp.fetch("ITLFile.tlv", folder / "list")


def signer(raw: bytes) -> str:
    return decode(raw).header.signer_name.split(";")[0]


def restart(member: Member) -> None:
    done = member.call("-c", "utils service restart Cisco Tftp")
    assert done.returncode == 0, done.stdout


def test_each_node_serves_its_own_list_signed_by_the_one_recovery_key(
    publisher: Member, subscriber: Member, tmp_path: Path
) -> None:
    lists = [served(member, tmp_path) for member in (publisher, subscriber)]
    assert {signer(raw) for raw in lists} == {"CN=ITLRECOVERY_pub.example.org"}
    own = [decode(raw).records[0].subject_name.split(";")[0] for raw in lists]
    assert own == ["CN=pub.example.org", "CN=sub.example.org"]
    listed = subscriber.call("-c", "show cert list own").stdout
    assert "ITLRecovery" not in listed
    home = Path(subscriber.home)
    assert not list(home.rglob("*.p12*"))
    assert not (home / "security/ITLRecovery").exists()


def test_openssl_says_that_the_recovery_key_signed_the_subscribers_list(
    publisher: Member, subscriber: Member, tmp_path: Path
) -> None:
    raw = served(subscriber, tmp_path)
    trust_list = decode(raw)
    pem = Path(publisher.home) / "security/ITLRecovery/ITLRecovery.pem"
    key = tmp_path / "key.pem"
    argv = ["openssl", "x509", "-in", str(pem), "-pubkey", "-noout"]
    key.write_bytes(subprocess.run(argv, check=True, capture_output=True).stdout)
    signature = trust_list.header.signature
    (tmp_path / "signature").write_bytes(signature)
    at = raw.index(signature)
    # The SIGNATURE field, its tag and length too, is not signed.
    (tmp_path / "signed").write_bytes(raw[: at - 3] + raw[at + len(signature) :])
    said = subprocess.run(
        [
            *("openssl", "dgst", "-sha512", "-verify", str(key)),
            *("-signature", str(tmp_path / "signature"), str(tmp_path / "signed")),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert said.stdout == "Verified OK\n", said.stderr


def test_both_trust_paths_regenerated_at_once_strand_nobody(
    publisher: Member, subscriber: Member, tmp_path: Path
) -> None:
    members = (publisher, subscriber)
    held = [served(member, tmp_path) for member in members]
    for member in members:
        done = member.call("-c", "set cert regen CallManager", answers="yes\n")
        assert done.returncode in (0, 3), done.stdout  # no way leads to the publisher
    # No way leads there from the subscriber, whose list would name what it has no more.
    done = publisher.call("-c", "utils service restart Cisco Tftp")
    assert "sub: pending: " in done.stdout
    assert done.returncode == 3
    done = publisher.call("node", "add", "sub")  # fetches what changed there
    assert done.returncode == 0, done.stdout
    restart(publisher)
    restart(subscriber)
    now = [served(member, tmp_path) for member in members]
    assert all(takes(*pair) for pair in zip(held, now, strict=True))
    own = [{r.serial for r in decode(raw).records if r.role == 3} for raw in now]
    assert not own[0] & own[1]
    for before, after, serials in zip(held, now, own, strict=True):
        assert not serials & {record.serial for record in decode(before).records}
        assert signer(after) == signer(before)
