"""Whoever changes something holds the lock of what is written, while it is written.

Every use-case that changes is really run, and each file that it puts in place or takes
away is held against the table below: on a member, on a new node, on a replica. A file
that no row of the table knows fails, as does a use-case that writes under other locks
than it is said to.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from cucmsh.config.model import NodeRole
from cucmsh.config.phones import PhonesSettings
from cucmsh.layout import (
    ACCOUNTS_LOCK,
    AUTHORIZED_KEYS,
    BACKUP_JOBS,
    CANCELLED,
    CLUSTER_LOCK,
    HISTORY,
    IDS_LOCK,
    NODE_LOCK,
    PHONES_LOCK,
    RECOVERY_LOCK,
    REPLICA_RECORDS,
    SIGNING_LOCK,
)
from cucmsh.pki.model import Unit
from cucmsh.secret import Secret
from cucmsh.services import site as sites
from cucmsh.services.accounts.security_password import set_security_password
from cucmsh.services.certificates.imports import import_trusted
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.certificates.requests import generate_request
from cucmsh.services.lists.given_list import WantedList
from cucmsh.services.lists.install import stage
from cucmsh.services.lists.member_lists import ListJob
from cucmsh.services.lists.phone_files import choose
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.services.nodes.identity import authorize, make_identity, public_line
from cucmsh.services.nodes.init import NewNode, plan_init
from cucmsh.services.nodes.join import cluster_document
from cucmsh.services.nodes.make import public_certificates
from cucmsh.services.nodes.node_id import own_id
from cucmsh.services.nodes.sealed import sealed
from cucmsh.services.records.state import recall
from cucmsh.services.recovery.backup import back_up
from cucmsh.services.recovery.devices import folder_of
from cucmsh.services.recovery.jobs import Job, Kind, Result, keep_job
from cucmsh.services.recovery.plans import read_schedules, write_schedules
from cucmsh.services.site import Site
from cucmsh.storage import lock
from cucmsh.storage.local import LocalStore
from tests.rigs.authority import Wanted
from tests.rigs.waiting import until
from tests.services.callers import called
from tests.services.made_cluster import (
    PUBLISHER,
    REPLICA,
    SECURITY,
    START,
    SUBSCRIBER,
    MadeCluster,
    cheap_questions,
    started_cluster,
)
from tests.services.test_usecases import (
    AGREEING,
    CHANGES,
    ROOT,
    USE_CASES,
    VALUES,
    WEEKLY,
    with_accounts,
    with_devices,
)

pytestmark = pytest.mark.thorough

NODE, SIGNING, CLUSTER, NONE = NODE_LOCK, SIGNING_LOCK, CLUSTER_LOCK, ""
IDS, PHONES, ACCOUNTS = IDS_LOCK, PHONES_LOCK, ACCOUNTS_LOCK
RECOVERY = RECOVERY_LOCK
RESETTING = (NODE, SIGNING, CLUSTER, ACCOUNTS)
# Which lock a file takes, by its path below the folder of its node.
LOCKS = {
    # What a TFTP start composes with, and what it writes.
    r"home/security/.*": NODE,
    r"home/security/accounts/[a-z]+": ACCOUNTS,
    r"home/state/lockout\.toml": ACCOUNTS,
    r"home/ssh/.*": NODE,
    r"home/state/(published|keep|hold|node|rekeying|other-passwords)\.toml": NODE,
    r"home/state/served/.*": NODE,
    r"home/state/served-times": NODE,
    r"home/state/given\.itl": NODE,
    r"tftp/ITLFile\.tlv": NODE,
    r"cucmsh\.toml": NODE,
    # Signing takes long; no start waits for it.
    r"tftp/.*\.sgn": SIGNING,
    r"tftp/.*": SIGNING,
    # What is open in the cluster.
    r"home/state/(journal|adoption|renaming|untold|certificates)\.toml": CLUSTER,
    r"home/state/(passing|releasing)\.toml": CLUSTER,
    # Copies of trusted certificates that were deleted or replaced.
    r"home/earlier/[A-Za-z-]+-trust/.*": NODE,
    # Copies of what an adoption replaces.
    r"home/earlier/adoption-\d+/.*": CLUSTER,
    # Which phones are still to be reset.
    r"home/state/phone-resets\.toml": PHONES,
    # One whole file each; who writes last is right, and a start writes some of them.
    r"home/state/(replicas|lists|signing|start|session|asked|backup)\.toml": NONE,
    r"home/state/(tftp-start|place)": NONE,
    # A backup or restore; who only looks whether one runs takes its lock for a moment.
    r"home/state/backup-jobs": RECOVERY,
    r"home/state/restoring\.toml": RECOVERY,
    # Copies of what a restore replaces.
    r"home/earlier/restore-\d+/.*": RECOVERY,
    r"home/state/backup-schedules": NODE,
    r"home/state/(backup-cancelled|pub-from-sub)\.toml": NONE,
    # By whoever needs the ids, under whatever lock (``node_id``).
    r"home/state/nodes\.toml": IDS,
    r"home/security/trust/[^/]*/id": IDS,
    # Of what phones are to be told: a regeneration writes it, a person settles it.
    r"home/state/regenerated\.toml": NONE,
    # The note of an init, whose node nobody serves yet.
    r"home/state/init\.toml": NONE,
    # Named at random by who sent it, or one line that is appended.
    r"home/state/staging/.*": NONE,
    r"home/log/.*": NONE,
    # On a backup server, which is nobody's of ours.
    r"home/joe/.*": NONE,
    # A folder of an export: it is read by nobody of ours.
    r"exported/.*": NONE,
    # The account that sshd let in: its home is no node's.
    rf"account/{re.escape(AUTHORIZED_KEYS)}": NONE,
}
# On a replica the publisher writes, under its own lock of the cluster.
REPLICA_FILES = (r"tftp/.*", rf"account/{re.escape(REPLICA_RECORDS)}/.*")
# `init` makes what nobody serves yet, under the new node's own lock of a cluster.
INIT = "cucmsh.services.nodes.init.make"
NEW = "new"
RESET_PHONES = "cucmsh.services.phones.resets.reset_phones"
# It only asks the service manager.
BULK = "cucmsh.services.certificates.bulk"
SILENT = {
    "cucmsh.services.nodes.service_control.stop_service",
}


class Write(NamedTuple):
    """A file that was put in place or taken away, and the locks that were held.

    Attributes:
        node: whose file it is.
        name: below the node's folder.
        locks: pairs of node and lock.
    """

    node: str
    name: str
    locks: frozenset[tuple[str, str]]


class Recorder:
    """Sees every write of a store below ``root``, and who holds which lock."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self._root = root
        self._held: Counter[tuple[str, str]] = Counter()
        self.writes: list[Write] = []
        commit, remove = LocalStore.commit, LocalStore.remove

        @contextmanager
        def held(folder: str, note: str, *others: Any) -> Iterator[None]:
            home, _, name = note.rpartition("/state/")
            taken = Path(home).parent.name, f"state/{name}"
            with lock.held(folder, note, *others):
                self._held[taken] += 1
                try:
                    yield
                finally:
                    self._held[taken] -= 1

        def committing(store: LocalStore, temporary: str, name: str) -> None:
            self._note(Path(store.root, name))
            commit(store, temporary, name)

        def removing(store: LocalStore, name: str) -> None:
            if Path(store.root, name).exists():
                self._note(Path(store.root, name))
            remove(store, name)

        patch.setattr(sites, "held", held)
        patch.setattr(LocalStore, "commit", committing)
        patch.setattr(LocalStore, "remove", removing)

    def _note(self, path: Path) -> None:
        node, *rest = path.relative_to(self._root).parts
        locks = frozenset(self._held.keys() & +self._held)
        self.writes.append(Write(node, "/".join(rest), locks))


@pytest.fixture(autouse=True)
def cheap_things(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_questions(monkeypatch)


@pytest.fixture
def cluster(tmp_path: Path) -> MadeCluster:
    """With a replica, histories, configurations, and a phone's file to be signed."""
    made = started_cluster(tmp_path, keep_trust=True, has_replica=True)
    (made.backups / "home/joe/ITLRecovery.p12").write_bytes(made.key_file())
    made.write_configurations()
    for member in made.members.values():
        make_identity(member.site)
        with_devices(member.site)
    Path(made.site.node.tftp_directory, "SEP1.cnf.xml").write_text("<device/>")
    with_accounts(made.site)
    return made


Prepared = tuple[Site, Sequence[Any]]


def with_usual_values(name: str) -> Callable[[MadeCluster], Prepared]:
    return lambda made: (made.site, VALUES[name](made.site))


def discarding(made: MadeCluster) -> Prepared:
    site, values = staging(made)
    stage(site, *values)
    return site, values[:1]


def staging(made: MadeCluster) -> Prepared:
    raw = b"a list"
    name = f"install-list-{made.site.node.name}-1"
    return made.subscriber.site, [name, hashlib.sha256(raw).hexdigest(), raw]


def taking(made: MadeCluster) -> Prepared:
    site, values = staging(made)
    stage(site, *values)
    return site, values[:2]


def installing_a_certificate(made: MadeCluster) -> Prepared:
    pem = public_certificates(made.site)[Unit.TVS]
    return made.subscriber.site, [pem, made.site.node.name, "TVS"]


def installing_a_list(made: MadeCluster) -> Prepared:
    present = hashlib.sha256(made.subscriber.raw).hexdigest()
    raw = plan_local_reset(made.site).trust_list.raw
    return made.subscriber.site, [raw, present]


def handing_over(made: MadeCluster) -> Prepared:
    made.set_release("12.5")
    return made.site, []


def taking_a_list(made: MadeCluster) -> Prepared:
    made.set_release("12.5")
    wanted = WantedList(made.subscriber.served.header.timestamp, None)
    raw = ListJob(made.site).list_for(made.subscriber.node, wanted).raw
    return made.subscriber.site, [raw]


def bound(made: MadeCluster) -> Prepared:
    regenerate(made.site, Unit.CALL_MANAGER)
    made.publisher.start()
    return made.site, [lambda _: None]


def signing(made: MadeCluster) -> Prepared:
    return made.site, [choose(made.site), AGREEING]


def starting_anew(made: MadeCluster) -> Prepared:
    made.clock.pass_seconds(1)
    return made.site, []


def bringing(made: MadeCluster) -> Prepared:
    made.clock.pass_seconds(1)
    made.publisher.start()
    return made.site, []


def leaving(made: MadeCluster) -> Prepared:
    home = LocalStore(str(made.root / SUBSCRIBER / "account"))
    Path(home.root).mkdir()
    line = public_line(made.site, ("cucmsh",))
    authorize(home, line)
    key = next(word for word in line.split() if word.startswith("AAAA"))
    return made.subscriber.site, [home, key]


def joining(made: MadeCluster) -> Prepared:
    nodes = [n for n in made.site.settings.cluster.nodes if n.name != REPLICA]
    return made.subscriber.site, [cluster_document(made.site, tuple(nodes))]


def learning(made: MadeCluster) -> Prepared:
    """The publisher is told by its subscriber."""
    said = {"id": "", "name": "shop1", "aliases": [SUBSCRIBER], "domain": "other.org"}
    return made.site, [sealed(made.subscriber.site, json.dumps(said))]


def comparing(made: MadeCluster) -> Prepared:
    """The publisher is asked by a subscriber that has another one."""
    made.publisher.is_dead = True
    member = made.subscriber.site
    set_security_password(member, Secret(SECURITY), Secret("seven other words"))
    made.publisher.is_dead = False
    return made.site, [sealed(member, "the same?")]


def passing(made: MadeCluster) -> Prepared:
    """One of two subscribers has a new certificate."""
    three = MadeCluster(made.root / "three", has_second=True)
    three.make()
    made.root = three.root
    return three.site, [SUBSCRIBER]


def resetting_phones(made: MadeCluster) -> Prepared:
    phones = PhonesSettings(restart=("told", "status"), wait_seconds=0)
    site = made.site.with_settings(made.site.settings._replace(own_phones=phones))
    return site, VALUES[RESET_PHONES](site)


def backing_up(made: MadeCluster) -> Prepared:
    """The host of the device is known: a backup asks nobody about its key."""
    own_id(made.site)
    with folder_of(made.site, WEEKLY, lambda *_: True):
        return made.site, ["UCM", "weekly"]


def restoring(made: MadeCluster) -> Prepared:
    site, values = backing_up(made)
    Path(site.tftp.root, "SEP9.cnf.xml").write_text("<older/>")
    done = back_up(site, *values)
    Path(site.tftp.root, "SEP9.cnf.xml").write_text("<newer/>")
    made.publisher.start()
    for name in site.home.names(HISTORY):
        site.home.remove(f"{HISTORY}/{name}")
    return site, [site.node.name, done.job.label, "weekly", AGREEING]


def preparing(made: MadeCluster) -> Prepared:
    settings = made.site.settings
    cluster = settings.cluster._replace(nodes=(made.site.node,))
    return made.site.with_settings(settings._replace(cluster=cluster)), []


def running_due(made: MadeCluster) -> Prepared:
    backing_up(made)
    (kept,) = read_schedules(made.site)
    write_schedules(made.site, [kept._replace(is_enabled=True)])
    made.clock.pass_seconds(48 * 3600)
    return made.site, []


def cancelling(made: MadeCluster) -> Prepared:
    """A backup runs, in a thread, until it sees that it is cancelled."""
    site = made.site
    job = Job(Kind.BACKUP, "", "weekly", "", "MANUAL", 1, "UCM")
    with site.recovery_lock("a backup"):
        keep_job(site, job._replace(result=Result.CANCELED))
        ended = site.home.read(BACKUP_JOBS)
        keep_job(site, job)
    begun = threading.Event()

    def running() -> None:
        with site.recovery_lock("a backup"):
            begun.set()
            until(lambda: bool(recall(site.home, CANCELLED)), "it is cancelled")
            # Not by the store: nobody sees that this thread has the lock.
            Path(site.settings.home, BACKUP_JOBS).write_bytes(ended)

    threading.Thread(target=running).start()
    begun.wait()
    return site, []


def settling(made: MadeCluster) -> Prepared:
    site, _ = resetting_phones(made)
    regenerate(site, Unit.TVS)
    return site, []


def making(made: MadeCluster) -> Prepared:
    folder = made.root / NEW
    node = NewNode(
        role=NodeRole.SUBSCRIBER,
        name=NEW,
        publisher=made.site.node.name,
        domain="",
        subject="",
        home=str(folder / "home"),
        configuration=str(folder / "cucmsh.toml"),
        services=("tftp", "tvs"),
        tftp_directory=str(folder / "tftp"),
        tftp=None,
        service_commands="systemd:tftpd",
    )
    backends = made.site.backends
    plan = plan_init(node, lambda at: called(Site(at, made.clock, backends)))
    return plan.site, [plan, Secret(SECURITY), None]


class Run(NamedTuple):
    """How a use-case is run, and the locks that its writes take."""

    prepare: Callable[[MadeCluster], Prepared]
    locks: set[str]
    named: Mapping[str, Any] = MappingProxyType({})


def consolidating(made: MadeCluster) -> Prepared:
    for name in ("one", "two"):
        path = made.backups / f"home/joe/tomcat_{name}.pem"
        path.write_text(ROOT.pem)
    return made.site, VALUES[f"{BULK}.consolidate_bulk"](made.site)


def importing_many(made: MadeCluster) -> Prepared:
    path = made.backups / "home/joe/consolidated_tomcat.pem"
    path.write_text(ROOT.pem)
    return made.site, VALUES[f"{BULK}.import_bulk"](made.site)


def deleting(made: MadeCluster) -> Prepared:
    import_trusted(made.site, "tomcat", ROOT.pem.encode())
    return made.site, ["tomcat", "Root_CA.pem", AGREEING.agree]


def importing(made: MadeCluster) -> Prepared:
    import_trusted(made.site, "TVS", ROOT.pem.encode())
    request = generate_request(made.site, Unit.TVS)
    signed = ROOT.answer(request.pem, Wanted(START))
    return made.site, [Unit.TVS, signed.encode()]


def exporting(made: MadeCluster) -> Prepared:
    return made.site, [str(made.root / made.site.node.name / "exported"), AGREEING]


def usual(name: str, *locks: str) -> tuple[str, Run]:
    full = f"cucmsh.services.{name}"
    return full, Run(with_usual_values(full), set(locks))


RUNS: dict[str, Run] = dict(
    [
        usual("accounts.ccm_password.set_ccm_password", NODE, ACCOUNTS),
        usual("accounts.lockout.set_policy", ACCOUNTS),
        usual("accounts.own_password.set_own_password", ACCOUNTS),
        usual("accounts.store.create_account", ACCOUNTS),
        usual("accounts.store.delete_account", ACCOUNTS),
        usual("accounts.store.set_account_enabled", ACCOUNTS),
        usual("accounts.security_password.set_security_password", NODE, ACCOUNTS),
        usual("adoption.apply.adopt", NODE, CLUSTER),
        usual("certificates.imports.import_trusted", NODE),
        usual("certificates.regenerate.regenerate", NODE, CLUSTER),
        usual("certificates.requests.generate_request", NODE),
        usual("file_delete.delete_files", SIGNING),
        usual("idle.set_idle_minutes"),
        usual("seats.set_most_sessions"),
        usual("lists.run_reset.reset_with_local_key", *RESETTING),
        usual("lists.run_reset.reset_with_saved_key", *RESETTING),
        usual("nodes.add.add_node", NODE),
        usual("nodes.remove.remove_node", NODE),
        usual("nodes.rename.set_domain", NODE, CLUSTER, SIGNING),
        usual("nodes.rename.set_host_name", NODE, CLUSTER, SIGNING),
        usual("nodes.service_control.start_service", NODE, SIGNING, CLUSTER),
        usual("nodes.service_control.restart_service", NODE, SIGNING, CLUSTER),
        usual("nodes.service_control.stop_service"),
        usual("releases.change.set_release", NODE, CLUSTER, SIGNING),
        usual("releases.restart.restart_tftp", NODE, SIGNING),
        usual("tvs.tls_minimum.set_tls_minimum", NODE),
        usual("recovery.devices.delete_device", NODE),
        usual("recovery.devices.add_device", NODE),
        usual("recovery.schedule.add_schedule", NODE),
        usual("recovery.schedule.change_schedule", NODE),
    ]
) | {
    "cucmsh.services.recovery.backup.back_up": Run(backing_up, {NODE, RECOVERY}),
    "cucmsh.services.recovery.backup.cancel_backup": Run(cancelling, set()),
    "cucmsh.services.recovery.member.prepare_from_subscriber": Run(preparing, set()),
    "cucmsh.services.recovery.restore.restore": Run(restoring, {NODE, RECOVERY}),
    "cucmsh.services.recovery.schedule.run_due": Run(running_due, {NODE, RECOVERY}),
    "cucmsh.services.adoption.export.export": Run(exporting, set()),
    f"{BULK}.export_bulk": Run(with_usual_values(f"{BULK}.export_bulk"), set()),
    f"{BULK}.consolidate_bulk": Run(consolidating, set()),
    f"{BULK}.import_bulk": Run(importing_many, {NODE}),
    "cucmsh.services.certificates.imports.delete_trusted": Run(deleting, {NODE}),
    "cucmsh.services.certificates.imports.import_own": Run(importing, {NODE, CLUSTER}),
    "cucmsh.services.lists.pass_certificates.pass_certificates": Run(
        passing, {NODE, CLUSTER}
    ),
    "cucmsh.services.nodes.compare_passwords.answer_password": Run(comparing, {NODE}),
    "cucmsh.services.lists.install.discard_staged": Run(discarding, set()),
    "cucmsh.services.lists.install.install_certificate": Run(
        installing_a_certificate, {NODE}
    ),
    "cucmsh.services.lists.install.install_list": Run(
        installing_a_list, {NODE}, {"was_active": True, "is_agreed": True}
    ),
    "cucmsh.services.lists.install.stage": Run(staging, set()),
    "cucmsh.services.lists.install.take_staged": Run(taking, set()),
    "cucmsh.services.lists.sign_and_bring.sign_and_bring": Run(
        signing, {NODE, SIGNING, CLUSTER}
    ),
    "cucmsh.services.lists.update_replicas.update_replicas": Run(
        bringing, {NODE, CLUSTER}
    ),
    "cucmsh.services.lists.member_lists.bring_lists": Run(handing_over, {NODE}),
    "cucmsh.services.lists.take_list.take_list": Run(taking_a_list, {NODE}),
    "cucmsh.services.lists.tftp_start.start": Run(starting_anew, {NODE, SIGNING}),
    "cucmsh.services.lists.give_up_phones.release_trust": Run(bound, {NODE}),
    "cucmsh.services.nodes.identity.leave": Run(leaving, set()),
    "cucmsh.services.phones.after_change.settle_change": Run(settling, set()),
    RESET_PHONES: Run(resetting_phones, {PHONES}),
    INIT: Run(making, {CLUSTER}),
    "cucmsh.services.nodes.join.join": Run(joining, {NODE}),
    "cucmsh.services.nodes.tell_names.learn_names": Run(learning, {NODE}),
}


def lock_of(write: Write) -> str:
    """The lock that this file takes."""
    if write.node == REPLICA:
        assert any(re.fullmatch(at, write.name) for at in REPLICA_FILES), write
        return CLUSTER
    # The most special row counts.
    found = [at for at in LOCKS if re.fullmatch(at, write.name)]
    assert found, f"{write.name}: which lock does it take? Say so in the table."
    return LOCKS[max(found, key=len)]


def test_every_change_is_run_here() -> None:
    assert set(RUNS) == set(CHANGES)


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_written_is_written_under_its_lock(
    cluster: MadeCluster, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RUNS[name]
    site, values = run.prepare(cluster)
    recorder = Recorder(cluster.root, monkeypatch)
    USE_CASES[name](site, *values, **run.named)
    seen = set()
    for write in recorder.writes:
        needed = lock_of(write)
        holder = PUBLISHER if write.node == REPLICA else write.node
        if needed == NONE:
            continue
        if name == INIT:
            needed = CLUSTER
        assert (holder, needed) in write.locks, write
        seen.add(needed)
    assert recorder.writes or name in SILENT
    assert seen - {IDS} == run.locks  # ids are new to whoever meets them first
