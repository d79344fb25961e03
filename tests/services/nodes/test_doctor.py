"""What a look at a set-up finds, and that looking changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from cucmsh.layout import RECOVERY_NAME, adopted_file
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.monitor import monitor_round
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists.phone_files import choose
from cucmsh.services.lists.sign_files import sign_files
from cucmsh.services.nodes.health.doctor import examine
from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.services.records.state import remember
from cucmsh.services.records.waiting import note_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.site import Site
from tests.services.adoption.elsewhere import credential
from tests.services.made_cluster import MadeCluster, started_cluster

PHONE = "SEP1.cnf.xml"


@pytest.fixture
def well(tmp_path: Path) -> MadeCluster:
    """A cluster in which everything that can be well is."""
    cluster = started_cluster(tmp_path, keep_trust=True)
    for member in cluster.members.values():
        Path(member.site.settings.home).chmod(0o700)
    identity = tmp_path / "identity"
    identity.touch(mode=0o600)
    for member in cluster.members.values():
        nodes = tuple(
            node._replace(ssh=node.ssh and node.ssh._replace(identity=str(identity)))
            for node in member.site.settings.cluster.nodes
        )
        there = member.site.settings.cluster._replace(nodes=nodes)
        member.site.settings = member.site.settings._replace(cluster=there)
    put(cluster.site, PHONE)
    sign_files(cluster.site, choose(cluster.site))
    for member in cluster.members.values():
        monitor_round(member.site)
    return cluster


def put(site: Site, name: str, raw: bytes = b"<device/>") -> None:
    Path(site.tftp.root, name).write_bytes(raw)


def found(site: Site, level: Level) -> list[Finding]:
    return [finding for finding in examine(site) if finding.level is level]


def only(site: Site, level: Level) -> Finding:
    (finding,) = found(site, level)
    return finding


@pytest.mark.thorough
def test_names_that_an_earlier_version_took_are_told(well: MadeCluster) -> None:
    settings = well.site.settings
    cluster = settings.cluster._replace(subject="OU=it,O=example,C=US", domain=".a.org")
    well.site.settings = settings._replace(cluster=cluster)
    told = [finding.what for finding in found(well.site, Level.WARN)]
    assert (
        sum("holds a comma" in what or "begins with a dot" in what for what in told)
        == 2
    )


def test_damaged_adopted_key_is_told(well: MadeCluster) -> None:
    name = adopted_file("0123456789abcdef0123456789abcdef")
    well.site.home.write(name, credential("old.example").to_pem())
    assert found(well.site, Level.FAIL) == []
    well.site.home.write(name, b"damaged")
    assert f"/{name} holds no key" in only(well.site, Level.FAIL).what


@pytest.mark.thorough
def test_cluster_that_is_well_fails_in_nothing(well: MadeCluster) -> None:
    before = well.tree()
    assert found(well.site, Level.FAIL) == []
    what = [finding.what for finding in examine(well.site)]
    for text in (
        "keys and secrets are the owner's alone",
        "the recovery key opens with the security password",
        "the ITL verifies",
        "the TFTP service gives the ITL back",
        "files that phones take: 1",
        "test10sub lets us in, with its pinned host key",
    ):
        assert text in what
    warnings = [finding.what for finding in found(well.site, Level.WARN)]
    assert len(warnings) == 1
    assert "not saved" in warnings[0]
    assert "TVS of test10sub vouches for all signers of lists (3)" in what
    assert found(well.subscriber.site, Level.FAIL) == []
    assert well.tree() == before


@pytest.mark.thorough
def test_warnings_have_advice_and_what_is_well_has_none(well: MadeCluster) -> None:
    for finding in examine(well.site):
        assert bool(finding.advice) == (finding.level is not Level.OK), finding


Break = Callable[[MadeCluster], object]


def unsigned(cluster: MadeCluster) -> None:
    put(cluster.site, "SEP2.cnf.xml")


def changed(cluster: MadeCluster) -> None:
    put(cluster.site, PHONE, b"<changed/>")


def signed_by_nobody(cluster: MadeCluster) -> None:
    raw = bytearray(cluster.site.tftp.read(f"{PHONE}.sgn"))
    raw[-1] ^= 1
    cluster.site.tftp.write(f"{PHONE}.sgn", bytes(raw))
    put(cluster.site, PHONE, bytes(raw[-9:]))


def open_key(cluster: MadeCluster) -> None:
    Path(cluster.site.settings.home, "security/TVS/private.pem").chmod(0o640)


def open_password(cluster: MadeCluster) -> None:
    Path(cluster.site.settings.home, "security/secrets/security").chmod(0o644)


def open_recovery(cluster: MadeCluster) -> None:
    path = Path(cluster.site.settings.home, "security/ITLRecovery/ITLRecovery.p12")
    path.chmod(0o604)


def open_home(cluster: MadeCluster) -> None:
    Path(cluster.site.settings.home).chmod(0o755)


def open_own_key(cluster: MadeCluster) -> None:
    cluster.site.home.write("ssh/id_ed25519", b"", 0o644)


def open_identity(cluster: MadeCluster) -> None:
    (cluster.root / "identity").chmod(0o644)


def served_key(cluster: MadeCluster) -> None:
    put(cluster.site, RECOVERY_NAME)


def forged_list(cluster: MadeCluster) -> None:
    raw = bytearray(cluster.publisher.raw)
    raw[-1] ^= 1
    cluster.site.tftp.write("ITLFile.tlv", bytes(raw))


def emptied_list(cluster: MadeCluster) -> None:
    cluster.site.tftp.write("ITLFile.tlv", b"")


def stopped_service(cluster: MadeCluster) -> None:
    cluster.publisher.service.is_running = False


def lying_service(cluster: MadeCluster) -> None:
    cluster.publisher.service.lies_with = b"an older list"


def other_password(cluster: MadeCluster) -> None:
    cluster.site.home.write("security/secrets/security", b"another one")


def early_clock(cluster: MadeCluster) -> None:
    cluster.clock.moment -= timedelta(days=1)


def dead_node(cluster: MadeCluster) -> None:
    cluster.subscriber.is_dead = True


FAILURES: dict[Break, str] = {
    unsigned: "phones refuse SEP2.cnf.xml: it is not signed",
    changed: f"phones refuse {PHONE}: it has changed since it was signed",
    signed_by_nobody: f"phones refuse {PHONE}: The file does not verify",
    open_key: "TVS/private.pem is open to others",
    open_password: "secrets/security is open to others",
    open_recovery: "ITLRecovery.p12 is open to others",
    open_home: "home is open to others",
    open_identity: "identity is open to others",
    open_own_key: "ssh/id_ed25519 is open to others",
    served_key: "to everybody",
    forged_list: "the ITL does not verify",
    emptied_list: "the ITL of test10pub is damaged: The file is empty",
    stopped_service: "does not give the ITL back",
    lying_service: "does not give the ITL back",
    other_password: "password",
    early_clock: "the clock is before the CallManager certificate",
    dead_node: "test10sub: test10sub does not answer",
}


@pytest.mark.thorough
@pytest.mark.parametrize("harm", FAILURES, ids=lambda harm: harm.__name__)
def test_harm_is_found(well: MadeCluster, harm: Break) -> None:
    harm(well)
    failures = [finding.what for finding in found(well.site, Level.FAIL)]
    assert any(FAILURES[harm] in what for what in failures), failures


@pytest.mark.thorough
def test_trouble_that_several_checks_meet_is_told_once(well: MadeCluster) -> None:
    emptied_list(well)
    every = examine(well.site)
    assert len(every) == len(set(every))
    told = [
        at for at in every if "The file is empty" in at.what and "of test" in at.what
    ]
    assert [at.advice for at in told] == [
        "Run `utils service restart Cisco Tftp`, which composes a new one."
    ]


@pytest.mark.thorough
def test_key_that_the_list_does_not_name_is_told_with_what_to_do(
    well: MadeCluster,
) -> None:
    regenerate(well.site, Unit.CALL_MANAGER)
    warnings = [f.what for f in found(well.site, Level.WARN)]
    assert any("does not name its CallManager" in what for what in warnings)
    put(well.site, PHONE, b"<changed/>")
    failures = found(well.site, Level.FAIL)
    assert len(failures) == 2
    assert all("utils service restart" in failure.advice for failure in failures)


@pytest.mark.thorough
@pytest.mark.parametrize(("days", "text"), [(1800, "expires in"), (2000, "expired")])
def test_certificates_near_their_end_are_told(
    well: MadeCluster, days: int, text: str
) -> None:
    well.clock.pass_seconds(days * 86400)
    warnings = [f.what for f in found(well.site, Level.WARN)]
    assert any("ITLRecovery" in what and text in what for what in warnings)
    assert any("CallManager" in what and text in what for what in warnings)


@pytest.mark.thorough
def test_saved_key_and_keep_trust_off(well: MadeCluster) -> None:
    remember(
        well.site.home,
        "backup",
        {"sha256": hashlib.sha256(well.key_file()).hexdigest()},
    )
    warnings = [f.what for f in found(well.site, Level.WARN)]
    assert not any("not saved" in what for what in warnings)
    well.site.settings = well.site.settings._replace(keep_trust=False)
    warnings = [f.what for f in found(well.site, Level.WARN)]
    assert any("keep_trust is off" in what for what in warnings)


@pytest.mark.thorough
def test_what_a_login_tells_is_told_here_too(well: MadeCluster) -> None:
    note_waiting(well.site, Work.PUSH, {"branch1": "it is dead"})
    warnings = [f.what for f in found(well.site, Level.WARN)]
    assert any("branch1 (it is dead)" in what for what in warnings)


@pytest.mark.thorough
def test_signed_file_without_its_plain_one_is_told(well: MadeCluster) -> None:
    Path(well.site.tftp.root, PHONE).unlink()
    warnings = [f.what for f in found(well.site, Level.WARN)]
    assert any(f"{PHONE}.sgn has no plain file" in what for what in warnings)
