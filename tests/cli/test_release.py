"""A cluster of release 12.5 out of nothing: real processes, sshd, TFTP.

The publisher signs the subscriber's list, and no regeneration strands a phone.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cucmsh.layout import GIVEN_LIST, HOLD, facts_file
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
    assert_signed_by(publisher, "ITLRecovery", served(subscriber, tmp_path), tmp_path)


def assert_signed_by(member: Member, unit: str, raw: bytes, tmp_path: Path) -> None:
    """What openssl says of a list and the certificate in that member's home."""
    trust_list = decode(raw)
    pem = Path(member.home) / f"security/{unit}/{unit}.pem"
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


def test_the_release_is_taken_back_and_given_again(
    publisher: Member, subscriber: Member, tmp_path: Path
) -> None:
    members = (publisher, subscriber)
    held = [[served(member, tmp_path)] for member in members]
    for release, unit in (("10.0", "CallManager"), ("12.5", "ITLRecovery")):
        foretold = publisher.call("preview", "release", release)
        assert foretold.returncode == 0, foretold.stdout
        assert foretold.stdout.count("Nobody is locked out.") == 2
        done = publisher.call("-c", f"set release {release}", answers="yes\n")
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"Release {release}:" in done.stdout
        for member, lists in zip(members, held, strict=True):
            assert f'release = "{release}"' in member.config.read_text()
            raw = served(member, tmp_path)
            assert all(takes(each, raw) for each in lists)
            lists.append(raw)
            owner = publisher if unit == "ITLRecovery" else member
            if member is subscriber:  # here, keys that more holders know may sign
                assert_signed_by(owner, unit, raw, tmp_path)
    again = publisher.call("-c", "set release 12.5", answers="yes\n")
    assert again.returncode == 1
    assert "the release of this cluster is 12.5 already" in again.stdout


def test_no_one_is_taken_by_surprise_by_a_no(publisher: Member, tmp_path: Path) -> None:
    before, raw = publisher.config.read_bytes(), served(publisher, tmp_path)
    done = publisher.call("-c", "set release 10.0", answers="no\n")
    assert done.returncode == 1
    assert "Nothing was changed." in done.stdout
    assert publisher.config.read_bytes() == before
    assert served(publisher, tmp_path) == raw


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


def test_a_certificate_of_an_authority_strands_nobody(
    publisher: Member, subscriber: Member, tmp_path: Path
) -> None:
    """CSR, chain and answer by openssl; both lists stay the recovery key's."""
    members = (publisher, subscriber)
    held = [served(member, tmp_path) for member in members]
    let_time_pass(publisher)
    assert publisher.call("-c", "set csr gen CallManager").returncode == 0
    shown = publisher.call("-c", "show csr own CallManager/CallManager.csr").stdout
    (tmp_path / "leaf.csr").write_text(shown[shown.index("-----BEGIN") :])
    root = ("-subj", "/O=example/CN=Root", "-addext", "keyUsage=critical,keyCertSign")
    openssl(
        tmp_path,
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "40", *root),
        *("-keyout", "root.key", "-out", "root.pem"),
    )
    openssl(
        tmp_path,
        *("x509", "-req", "-in", "leaf.csr", "-CA", "root.pem", "-CAkey", "root.key"),
        *("-CAcreateserial", "-days", "30", "-out", "leaf.pem"),
    )
    for what, name in (("trust", "root"), ("own", "leaf")):
        line = f"set cert import {what} CallManager"
        pasted = (tmp_path / f"{name}.pem").read_text()
        done = publisher.call("-c", line, answers=f"{pasted}\n")
        assert done.returncode == 0, done.stdout + done.stderr
    restart(publisher)
    restart(subscriber)
    now = [served(member, tmp_path) for member in members]
    assert all(takes(*pair) for pair in zip(held, now, strict=True))
    for raw in now:
        assert_signed_by(publisher, "ITLRecovery", raw, tmp_path)
    assert "CN=Root;O=example" in {
        record.issuer_name for record in decode(now[0]).records
    }
    leaf = Path(publisher.home) / "security/CallManager/CallManager.pem"
    said = openssl(tmp_path, "verify", "-CAfile", "root.pem", str(leaf))
    assert said == f"{leaf}: OK\n"


def test_hand_overs_at_once_leave_one_whole_list(
    publisher: Member, subscriber: Member, tmp_path: Path
) -> None:
    """Two of them, and a restart of the publisher that begins another."""
    held = served(subscriber, tmp_path)
    hooks = [
        subprocess.Popen(
            [*publisher.program, "hook", "bring-lists"],
            stdout=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    done = publisher.call("-c", "utils service restart Cisco Tftp")
    ended = [hook.wait(timeout=90) for hook in hooks]
    # Who waits for too long for the others says so, and is noted.
    assert done.returncode in (0, 3), done.stdout
    assert ended == [0, 0]
    given = (Path(subscriber.home) / GIVEN_LIST).read_bytes()
    assert decode(given).header.timestamp > decode(held).header.timestamp
    assert_signed_by(publisher, "ITLRecovery", given, tmp_path)
    assert subscriber.tftp.do("restart") == 0
    raw = served(subscriber, tmp_path)  # that one, or one of the start's own hand-over
    assert decode(raw).header.timestamp >= decode(given).header.timestamp
    assert_signed_by(publisher, "ITLRecovery", raw, tmp_path)
    assert takes(held, given)
    assert takes(held, raw)
    assert publisher.call("hook", "bring-lists").stdout == ""
    assert "was given the ITL" not in publisher.call(answers="quit\n").stdout


def test_a_renamed_publisher_signs_for_both_as_before(
    publisher: Member, subscriber: Member, tmp_path: Path
) -> None:
    members = (publisher, subscriber)
    held = [served(member, tmp_path) for member in members]
    let_time_pass(publisher)
    done = publisher.call("-c", "set network hostname other", answers="no\nyes\n")
    assert done.returncode == 0, done.stdout + done.stderr
    restart(subscriber)
    now = [served(member, tmp_path) for member in members]
    assert all(takes(*pair) for pair in zip(held, now, strict=True))
    names = [record.subject_name.split(";")[0] for record in decode(now[0]).records]
    assert names[0] == "CN=other.example.org"
    for raw in now:
        assert signer(raw) == "CN=ITLRECOVERY_pub.example.org"
        assert_signed_by(publisher, "ITLRecovery", raw, tmp_path)


def let_time_pass(member: Member) -> None:
    """The hold timer of the last regeneration has run out."""
    Path(member.home, facts_file(HOLD)).unlink(missing_ok=True)


def openssl(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["openssl", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
