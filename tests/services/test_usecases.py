"""No caller goes past guard, record or lock: each use-case is tried by one who should.

The callers are no shell: a page, an exec request, a caller that may only look.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, cast

import pytest

import cucmsh.services
from cucmsh.config.settings import is_outdated, with_stamp
from cucmsh.config.web import WebSettings
from cucmsh.errors import (
    BusyError,
    CancelledError,
    CucmshError,
    MissingFileError,
    RefusedError,
)
from cucmsh.layout import AUDIT_FILE
from cucmsh.phones.service_control import PhoneAction
from cucmsh.pki.model import Unit
from cucmsh.secret import Secret
from cucmsh.services import site as sites
from cucmsh.services.accounts.store import create_account, ensure_account
from cucmsh.services.adoption.material import Request
from cucmsh.services.backends import BackupServer
from cucmsh.services.caller import Caller, Privilege, WayIn
from cucmsh.services.file_search import Tail
from cucmsh.services.files import Destination, list_files
from cucmsh.services.lists.phone_files import choose
from cucmsh.services.lists.run_reset import reset_with_local_key
from cucmsh.services.nodes.add_plan import WantedNode
from cucmsh.services.nodes.configure import edit
from cucmsh.services.nodes.identity import make_identity
from cucmsh.services.nodes.remove import remove_node
from cucmsh.services.outcome import Progress
from cucmsh.services.phones.listen import Listening
from cucmsh.services.records.audit import AuditLog
from cucmsh.services.recovery.devices import Device, write_devices
from cucmsh.services.recovery.plans import Repeat, Schedule, write_schedules
from cucmsh.services.site import Site
from cucmsh.services.usecase import UseCase, use_case
from cucmsh.shell.audit import Attempt
from tests.rigs.authority import Authority, authority_usages
from tests.services.adoption.elsewhere import Elsewhere
from tests.services.callers import called
from tests.services.made_cluster import (
    CCM,
    SECURITY,
    SFTP_PASSWORD,
    START,
    SUBSCRIBER,
    MadeCluster,
    cheap_questions,
    started_cluster,
)

pytestmark = pytest.mark.thorough

SERVER = BackupServer("192.0.2.9", 22, "joe", Secret(SFTP_PASSWORD))


class Agreeing:
    """Answers every question of every use-case, and is told everything."""

    def ccm_password(self) -> Secret:
        return Secret(CCM)

    def security_password(self, *_: object) -> Secret:
        return Secret(SECURITY)

    def readme(self, *_: object) -> str:
        return ""

    def choose(self, _size: int = 0, _number: int = 1) -> Destination:
        return Destination(SERVER, "/home/joe", lambda *_: True)

    def sending(self, *_: object) -> AbstractContextManager[Callable[[int], object]]:
        return nullcontext(bool)

    def service(self, _name: str) -> Agreeing:
        return self

    def telling(self, *_: object) -> AbstractContextManager[Callable[[], None]]:
        return nullcontext(lambda: None)

    def changing(self, *_: object) -> AbstractContextManager[Progress]:
        return nullcontext(lambda *_: None)

    def features(self, _valid: str) -> str:
        return "UCM"

    def fetching(self) -> AbstractContextManager[Callable[[int], object]]:
        return nullcontext(bool)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """What is told: it may be a context, and what that gives is not looked at."""
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *_: nullcontext()


AGREEING = cast(Any, Agreeing())


def adopting() -> list[Any]:
    """A list of another tool, and its key: files of their own each time."""
    there = Elsewhere(Path(tempfile.mkdtemp()))
    return [Request((str(there.serve()),), (str(there.key_file()),))]


ROOT = Authority("Root CA", authority_usages(START))
WEEKLY = Device("weekly", "/home/joe", SERVER, 2)
NIGHTLY = Schedule("nightly", "monthly", "UCM", 1393470000, Repeat.DAILY)


def with_devices(site: Site) -> None:
    """Two backup devices and a schedule that uses one."""
    write_devices(site, [WEEKLY, WEEKLY._replace(name="monthly")])
    write_schedules(site, [NIGHTLY])


ACCOUNT_PASSWORD = "some words of theirs"
NODE = cast(Any, object())  # nothing gets as far as to look at it
SHA256 = "0" * 64
# What each is called with. Those that nothing may reach get anything.
VALUES: dict[str, Callable[[Site], Sequence[Any]]] = {
    "cucmsh.services.accounts.ccm_password.set_ccm_password": lambda _: [
        *(Secret(CCM), Secret("two other words"))
    ],
    "cucmsh.services.accounts.own_password.set_own_password": lambda _: [
        *(Secret(ACCOUNT_PASSWORD), Secret("two other words"))
    ],
    "cucmsh.services.accounts.store.create_account": lambda _: [
        *("bob", Privilege.CHANGE, Secret("two other words"))
    ],
    "cucmsh.services.accounts.store.delete_account": lambda _: ["ann"],
    "cucmsh.services.accounts.store.set_account_enabled": lambda _: ["ann"],
    "cucmsh.services.accounts.store.show_accounts": lambda _: [],
    "cucmsh.services.accounts.lockout.set_policy": lambda _: [],
    "cucmsh.services.accounts.lockout.show_policy": lambda _: [],
    "cucmsh.services.accounts.security_password.set_security_password": lambda _: [
        *(Secret(SECURITY), Secret("another long security password"))
    ],
    "cucmsh.services.adoption.apply.adopt": lambda _: [*adopting(), AGREEING],
    "cucmsh.services.adoption.apply.preview": lambda _: [*adopting(), AGREEING],
    "cucmsh.services.adoption.apply.preview_new": lambda _: [
        *(NODE, (Secret(""), None), NODE, AGREEING)
    ],
    "cucmsh.services.adoption.export.export": lambda at: [
        *(f"{at.settings.home}/../../exported", AGREEING)
    ],
    "cucmsh.services.certificates.monitor.monitor_round": lambda _: [],
    "cucmsh.services.records.send_alarms.send_alarms": lambda _: [],
    "cucmsh.services.certificates.hold.present_hold": lambda _: [],
    "cucmsh.services.certificates.bulk.consolidate_bulk": lambda _: [
        *("tomcat", AGREEING, bool)
    ],
    "cucmsh.services.certificates.bulk.export_bulk": lambda _: [
        *("tomcat", AGREEING, bool)
    ],
    "cucmsh.services.certificates.bulk.import_bulk": lambda _: ["tomcat", AGREEING],
    "cucmsh.services.certificates.imports.delete_trusted": lambda _: [
        *("tomcat", "Root_CA.pem", AGREEING.agree)
    ],
    "cucmsh.services.certificates.imports.import_own": lambda _: [Unit.TVS, b""],
    "cucmsh.services.certificates.imports.import_trusted": lambda _: [
        *("tomcat", ROOT.pem.encode())
    ],
    "cucmsh.services.certificates.own.trusted_certificate": lambda _: [
        "TVS-trust/x.pem"
    ],
    "cucmsh.services.certificates.own.trusted_certificates": lambda _: [],
    "cucmsh.services.certificates.requests.generate_request": lambda _: [Unit.TVS],
    "cucmsh.services.certificates.requests.open_requests": lambda _: [],
    "cucmsh.services.certificates.requests.own_request": lambda _: ["TVS"],
    "cucmsh.services.certificates.own.own_certificate": lambda _: ["TVS"],
    "cucmsh.services.certificates.own.own_certificates": lambda _: [],
    "cucmsh.services.certificates.regenerate.regenerate": lambda _: [Unit.TVS],
    "cucmsh.services.file_delete.delete_files": lambda _: [
        *("*.cnf.xml", "tftp", AGREEING)
    ],
    "cucmsh.services.file_search.search_files": lambda _: ["*", "x", "activelog"],
    "cucmsh.services.file_search.tail_file": lambda _: [
        *("audit", "activelog", Tail(is_recent=True), AGREEING)
    ],
    "cucmsh.services.files.get_logs": lambda _: ["audit", AGREEING],
    "cucmsh.services.files.list_in_detail": lambda _: ["*"],
    "cucmsh.services.files.read_log": lambda _: ["audit"],
    "cucmsh.services.files.get_file": lambda _: ["ITLFile.tlv", AGREEING],
    "cucmsh.services.files.list_files": lambda _: ["*"],
    "cucmsh.services.files.read_text": lambda _: ["a.xml"],
    "cucmsh.services.accounts.login.log_in": lambda _: ["ann", Secret("")],
    "cucmsh.services.certificates.every_certificate.every_certificate": lambda _: [],
    "cucmsh.services.phones.inventory.one_phone": lambda _: ["SEP001122334455"],
    "cucmsh.services.phones.trust_map.trust_map": lambda _: [],
    "cucmsh.services.records.seen_alarms.seen_alarms": lambda _: [],
    "cucmsh.services.records.seen_audit.seen_audit": lambda _: [],
    "cucmsh.services.idle.set_idle_minutes": lambda _: [60],
    "cucmsh.services.lists.install.discard_staged": lambda _: ["a-b"],
    "cucmsh.services.lists.install.install_certificate": lambda _: [b"", "x", "TVS"],
    "cucmsh.services.lists.install.install_list": lambda _: [b"", SHA256],
    "cucmsh.services.lists.install.stage": lambda _: ["a-b", SHA256, b""],
    "cucmsh.services.lists.install.take_staged": lambda _: ["a-b", SHA256],
    "cucmsh.services.lists.every_list.every_list": lambda _: [],
    "cucmsh.services.lists.member_lists.bring_lists": lambda _: [],
    "cucmsh.services.lists.pass_certificates.pass_certificates": lambda _: [SUBSCRIBER],
    "cucmsh.services.lists.take_list.take_list": lambda _: [b""],
    "cucmsh.services.lists.take_list.wanted_list": lambda _: [],
    "cucmsh.services.lists.show_list.find_mismatches": lambda _: [b""],
    "cucmsh.services.nodes.health.node_status.reach_each": lambda _: [(), AGREEING],
    "cucmsh.services.lists.show_ctl.show_ctl": lambda _: [],
    "cucmsh.services.lists.show_list.show_list": lambda _: [],
    "cucmsh.services.lists.sign_and_bring.sign_and_bring": lambda at: [
        choose(at),
        AGREEING,
    ],
    "cucmsh.services.lists.update_replicas.update_replicas": lambda _: [],
    "cucmsh.services.lists.run_reset.reset_with_local_key": lambda _: [AGREEING],
    "cucmsh.services.lists.run_reset.reset_with_saved_key": lambda _: [
        *(SERVER, "/home/joe/ITLRecovery.p12", lambda *_: True, AGREEING)
    ],
    "cucmsh.services.lists.tftp_start.start": lambda _: [],
    "cucmsh.services.lists.locate_nodes.service_status": lambda _: [],
    "cucmsh.services.lists.give_up_phones.release_trust": lambda _: [lambda _: None],
    "cucmsh.services.nodes.add.add_node": lambda _: [
        *(SUBSCRIBER, WantedNode(), AGREEING)
    ],
    "cucmsh.services.nodes.health.doctor.examine": lambda _: [],
    "cucmsh.services.tvs.ended.tvs_ended": lambda _: ["success", "exited", "0"],
    "cucmsh.services.tvs.serve.serve": lambda _: [str],
    "cucmsh.services.releases.change.set_release": lambda _: ["12.5", AGREEING],
    "cucmsh.services.releases.preview.preview_release": lambda _: ["12.5"],
    "cucmsh.services.releases.restart.restart_tftp": lambda _: [],
    "cucmsh.services.releases.trial.read_release": lambda _: [],
    "cucmsh.services.releases.trial.try_release": lambda _: ["10.0", b""],
    "cucmsh.services.tvs.tls_minimum.set_tls_minimum": lambda _: ["1.0"],
    "cucmsh.services.tvs.tls_minimum.tls_minimum": lambda _: [],
    "cucmsh.services.nodes.health.node_status.look_at_all": lambda _: [],
    "cucmsh.services.nodes.identity.leave": lambda _: [NODE, "AAAA"],
    "cucmsh.services.nodes.init.make": lambda _: [NODE, Secret(""), None],
    "cucmsh.services.nodes.join.describe": lambda _: [],
    "cucmsh.services.nodes.join.join": lambda _: [b""],
    "cucmsh.services.nodes.join.read_clock": lambda _: [],
    "cucmsh.services.nodes.compare_passwords.compare_passwords": lambda _: [],
    "cucmsh.services.nodes.compare_passwords.answer_password": lambda _: [b""],
    "cucmsh.services.nodes.rename.set_domain": lambda _: ["other.org", AGREEING],
    "cucmsh.services.nodes.rename.set_host_name": lambda _: ["new", AGREEING],
    "cucmsh.services.nodes.tell_names.learn_names": lambda _: [b""],
    "cucmsh.services.nodes.remove.remove_node": lambda _: [SUBSCRIBER, AGREEING],
    "cucmsh.services.nodes.service_control.restart_service": lambda _: [
        *("Cisco Tftp", AGREEING)
    ],
    "cucmsh.services.nodes.service_list.list_services": lambda _: [],
    "cucmsh.services.nodes.system_status.system_status": lambda _: [],
    "cucmsh.services.nodes.service_control.start_service": lambda _: [
        *("Cisco Tftp", AGREEING)
    ],
    "cucmsh.services.nodes.service_control.stop_service": lambda _: [
        *("Cisco Tftp", AGREEING)
    ],
    "cucmsh.services.phones.after_change.settle_change": lambda _: [],
    "cucmsh.services.phones.follow.follow_logs": lambda at: [
        *([at.settings.path], AGREEING)
    ],
    "cucmsh.services.phones.imports.import_logs": lambda at: [[at.settings.path]],
    "cucmsh.services.phones.listen.listen": lambda _: [
        *(Listening("127.0.0.1", 0), AGREEING)
    ],
    "cucmsh.services.phones.preview.preview": lambda _: ["restart"],
    "cucmsh.services.phones.poll.poll": lambda _: [[], AGREEING],
    "cucmsh.services.phones.inventory.phones_by_state": lambda _: [],
    "cucmsh.services.phones.resets.reset_phones": lambda _: [
        *(PhoneAction.RESTART, "SEP001122334455", AGREEING)
    ],
    "cucmsh.services.recovery.backup.back_up": lambda _: ["UCM", "weekly"],
    "cucmsh.services.recovery.backup.cancel_backup": lambda _: [],
    "cucmsh.services.recovery.devices.add_device": lambda _: [
        *(WEEKLY._replace(name="new"), lambda *_: True)
    ],
    "cucmsh.services.recovery.devices.delete_device": lambda _: ["weekly"],
    "cucmsh.services.recovery.member.prepare_from_subscriber": lambda _: [],
    "cucmsh.services.recovery.member.tell_cluster": lambda _: [],
    "cucmsh.services.recovery.restore.restore": lambda _: [
        *("test10pub", "2014-02-26-18-24-27", "weekly", AGREEING)
    ],
    "cucmsh.services.recovery.schedule.add_schedule": lambda _: [
        NIGHTLY._replace(name="new")
    ],
    "cucmsh.services.recovery.schedule.change_schedule": lambda _: [
        "enable",
        "nightly",
    ],
    "cucmsh.services.recovery.schedule.run_due": lambda _: [],
    "cucmsh.services.recovery.sets.find_sets": lambda _: ["weekly"],
    "cucmsh.services.seats.set_most_sessions": lambda _: [5],
}
# One change of the cluster at a time; the others wait for no person's question.
CLUSTER_LOCKED = (
    "cucmsh.services.accounts.security_password.set_security_password",
    "cucmsh.services.adoption.apply.adopt",
    "cucmsh.services.certificates.imports.import_own",
    "cucmsh.services.certificates.imports.import_trusted",
    "cucmsh.services.certificates.regenerate.regenerate",
    "cucmsh.services.lists.run_reset.reset_with_local_key",
    "cucmsh.services.lists.run_reset.reset_with_saved_key",
    "cucmsh.services.lists.give_up_phones.release_trust",
    "cucmsh.services.nodes.add.add_node",
    "cucmsh.services.nodes.remove.remove_node",
    "cucmsh.services.tvs.tls_minimum.set_tls_minimum",
)


def found_use_cases() -> dict[str, UseCase[Any, Any]]:
    """Every use-case of the product, by its full name."""
    found = {}
    for module in pkgutil.walk_packages(cucmsh.services.__path__, "cucmsh.services."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, UseCase) and value.__module__ == module.name:
                found[f"{module.name}.{name}"] = value
    return found


USE_CASES = found_use_cases()
CHANGES = [name for name, each in USE_CASES.items() if each.access.changes]
PUBLISHERS = [name for name, each in USE_CASES.items() if each.access.publisher_only]
PAGE = Caller(WayIn.PAGE, "joe", "192.0.2.1")


@pytest.fixture(autouse=True)
def cheap_things(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_questions(monkeypatch)


@pytest.fixture
def cluster(tmp_path: Path) -> MadeCluster:
    made = started_cluster(tmp_path)
    (made.backups / "home/joe/ITLRecovery.p12").write_bytes(made.key_file())
    made.write_configurations()
    for member in made.members.values():
        make_identity(member.site)
        with_devices(member.site)
    with_accounts(made.site)
    return made


def with_accounts(site: Site) -> None:
    """Those who call here, and one that they may change."""
    for name in ("admin", "joe"):
        ensure_account(site, name, Secret(ACCOUNT_PASSWORD))
    administrator = called(site, Caller(WayIn.PROMPT, "root"))
    create_account(administrator, "ann", Privilege.CHANGE, Secret(ACCOUNT_PASSWORD))


def audited(site: Site, caller: Caller = PAGE) -> Site:
    """The site for that caller, with the node's own audit log; its page may change."""
    site = site.with_settings(site.settings._replace(own_web=WebSettings(changes=True)))
    entry = {"entry": str(caller.way_in)}
    audit = AuditLog(
        site.sinks,
        site.node.name,
        site.clock.now,
        lambda: 0.0,
        who=lambda: entry,
        warn=lambda _: None,
    )
    return site.called_by(caller, audit)


def attempt(name: str, site: Site) -> None:
    done = USE_CASES[name](site, *VALUES[name](site))
    # What does its work when it is looked at does it behind guard and record.
    assert not isinstance(done, Iterator), name


def lines(site: Site) -> list[dict[str, Any]]:
    raw = site.home.read(AUDIT_FILE).decode()
    return [json.loads(line) for line in raw.splitlines()]


@contextmanager
def nothing_changes(cluster: MadeCluster) -> Iterator[None]:
    before = cluster.tree()
    yield
    after = cluster.tree()
    # A refusal may be recorded, and a host key that was accepted may be kept.
    for node in cluster.members:
        for name in (AUDIT_FILE, "state/known_hosts"):
            after.pop(f"{node}/home/{name}", None)
            before.pop(f"{node}/home/{name}", None)
    assert after == before


def test_every_use_case_is_tried_here() -> None:
    assert set(VALUES) == set(USE_CASES)
    assert len(CHANGES) > len(PUBLISHERS) > 2


@pytest.mark.parametrize("name", PUBLISHERS)
def test_what_a_publisher_does_is_refused_on_a_subscriber(
    cluster: MadeCluster, name: str
) -> None:
    site = audited(cluster.subscriber.site)
    with (
        nothing_changes(cluster),
        pytest.raises(RefusedError, match=r"^This is not a Publisher Node$"),
    ):
        attempt(name, site)


@pytest.mark.parametrize("name", CHANGES)
def test_a_caller_who_may_only_look_changes_nothing(
    cluster: MadeCluster, name: str
) -> None:
    looker = PAGE._replace(level=Privilege.READ)
    site = audited(cluster.site, looker)
    with (
        nothing_changes(cluster),
        pytest.raises(RefusedError, match=r"needs privilege level [14], and joe has 0"),
    ):
        attempt(name, site)


def test_the_recovery_key_is_not_given_to_who_may_only_look(
    cluster: MadeCluster,
) -> None:
    site = audited(cluster.site, PAGE._replace(level=Privilege.READ))
    with nothing_changes(cluster), pytest.raises(RefusedError, match="level 1"):
        attempt("cucmsh.services.files.get_file", site)


@pytest.mark.parametrize("name", CHANGES)
def test_an_exec_request_changes_nothing_where_it_may_not(
    cluster: MadeCluster, name: str
) -> None:
    site = audited(cluster.site, PAGE._replace(way_in=WayIn.EXEC))
    with (
        nothing_changes(cluster),
        pytest.raises(RefusedError, match="does not run by an exec request here"),
    ):
        attempt(name, site)


@pytest.mark.parametrize("name", CHANGES)
def test_what_cannot_be_recorded_is_not_done(cluster: MadeCluster, name: str) -> None:
    site = audited(cluster.site)
    Path(cluster.site.settings.home, AUDIT_FILE).mkdir(parents=True)
    with (
        nothing_changes(cluster),
        pytest.raises(RefusedError, match="It cannot be recorded, so it was not run"),
    ):
        attempt(name, site)


def from_its_file(site: Site) -> Site:
    """The site with its settings as read from the file that is there."""
    return site.with_settings(with_stamp(site.settings))


def change_the_configuration(site: Site) -> None:
    edit(site, lambda text, _: f"{text}# another session was here\n")


@pytest.mark.parametrize("name", CHANGES)
def test_a_session_with_an_old_configuration_changes_nothing(
    cluster: MadeCluster, name: str
) -> None:
    site = from_its_file(audited(cluster.site))
    change_the_configuration(cluster.site)
    with (
        nothing_changes(cluster),
        pytest.raises(RefusedError, match="was changed since this login") as refused,
    ):
        attempt(name, site)
    assert "Log in again" in refused.value.advice


def test_a_session_with_an_old_configuration_may_look(cluster: MadeCluster) -> None:
    site = from_its_file(audited(cluster.site))
    attempt("cucmsh.services.idle.set_idle_minutes", site)
    change_the_configuration(cluster.site)
    attempt("cucmsh.services.lists.show_list.show_list", site)
    with nothing_changes(cluster), pytest.raises(RefusedError, match="this login"):
        attempt("cucmsh.services.idle.set_idle_minutes", site)


def test_what_another_session_changes_while_a_password_is_asked_for_counts(
    cluster: MadeCluster,
) -> None:
    class Slow(Agreeing):
        def ccm_password(self) -> Secret:
            change_the_configuration(cluster.site)
            return super().ccm_password()

    site = from_its_file(audited(cluster.site))
    raw = cluster.publisher.raw
    with pytest.raises(RefusedError, match="was changed since this login"):
        reset_with_local_key(site, cast(Any, Slow()))
    assert cluster.publisher.raw == raw


def test_who_writes_the_configuration_is_not_refused_by_it(
    cluster: MadeCluster,
) -> None:
    site = from_its_file(audited(cluster.site))
    remove_node(site, SUBSCRIBER, AGREEING)
    assert is_outdated(site.settings)
    now = site.with_settings(edit(site, lambda text, _: f"{text}# once more\n"))
    attempt("cucmsh.services.idle.set_idle_minutes", audited(now))


@pytest.mark.parametrize("name", USE_CASES)
def test_nobody_is_no_caller(cluster: MadeCluster, name: str) -> None:
    site = cluster.site
    nobody = Site(site.settings, site.clock, site.backends)
    with nothing_changes(cluster), pytest.raises(RefusedError, match="nobody"):
        USE_CASES[name](nobody, *VALUES[name](site))


@pytest.mark.parametrize("name", CLUSTER_LOCKED)
def test_a_change_of_the_cluster_waits_for_its_lock(
    cluster: MadeCluster, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sites, "PUSH_WAIT_SECONDS", 0)
    site = audited(cluster.publisher.again())
    site = site.with_settings(site.settings._replace(keep_trust=True))
    with (
        cluster.site.cluster_lock("somebody else"),
        nothing_changes(cluster),
        pytest.raises(BusyError, match="somebody else"),
    ):
        attempt(name, site)


def test_a_change_without_a_shell_is_recorded_before_and_after(
    cluster: MadeCluster,
) -> None:
    site = audited(cluster.site)
    attempt("cucmsh.services.lists.run_reset.reset_with_local_key", site)
    begin, command = lines(site)
    assert (begin["event"], command["event"]) == ("begin", "command")
    assert begin["words"] == command["words"] == "utils itl reset localkey"
    assert (begin["entry"], command["outcome"]) == ("page", "done")


def test_what_ends_a_change_is_recorded_and_no_secret_is(cluster: MadeCluster) -> None:
    def no(_: object) -> None:
        raise CancelledError("no")

    dialog = Agreeing()
    dialog.agree = no  # type: ignore[attr-defined]
    site = audited(cluster.site)
    name = "cucmsh.services.lists.run_reset.reset_with_saved_key"
    values = [*VALUES[name](site)[:-1], dialog]
    with nothing_changes(cluster), pytest.raises(CancelledError):
        USE_CASES[name](site, *values)
    assert lines(site)[-1]["outcome"] == "CancelledError"
    assert lines(site)[0]["values"] == ["/home/joe/ITLRecovery.p12"]
    raw = site.home.read(AUDIT_FILE).decode()
    assert SFTP_PASSWORD not in raw
    assert CCM not in raw


def test_a_line_of_a_session_has_one_record(cluster: MadeCluster) -> None:
    site = audited(cluster.site, PAGE._replace(way_in=WayIn.PROMPT))
    audit = cast(AuditLog, site.record)
    line = Attempt("set cli session timeout 60")
    audit.submitted(line)
    audit.begins(line)
    attempt("cucmsh.services.idle.set_idle_minutes", site)
    line.end(0)
    audit.ended(line)
    assert [each["event"] for each in lines(site)] == ["begin", "command"]
    attempt("cucmsh.services.idle.set_idle_minutes", site)  # and the next one its own
    assert len(lines(site)) == 4


def test_a_line_that_only_looks_cannot_hide_a_change(cluster: MadeCluster) -> None:
    site = audited(cluster.site, PAGE._replace(way_in=WayIn.PROMPT))
    audit = cast(AuditLog, site.record)
    audit.submitted(Attempt("show something"))  # no `begins`: it changes nothing
    Path(cluster.site.settings.home, AUDIT_FILE).mkdir(parents=True)
    with nothing_changes(cluster), pytest.raises(RefusedError, match="recorded"):
        attempt("cucmsh.services.idle.set_idle_minutes", site)


def test_a_hook_that_cannot_be_recorded_serves_all_the_same(
    cluster: MadeCluster,
) -> None:
    """docs/decisions/034."""
    site = audited(cluster.site, PAGE._replace(way_in=WayIn.HOOK))
    Path(cluster.site.settings.home, AUDIT_FILE).mkdir(parents=True)
    attempt("cucmsh.services.lists.tftp_start.start", site)
    with pytest.raises(CucmshError):
        lines(site)


def test_what_a_hook_only_looks_at_leaves_no_record(cluster: MadeCluster) -> None:
    site = audited(cluster.site, PAGE._replace(way_in=WayIn.HOOK))
    attempt("cucmsh.services.nodes.join.read_clock", site)
    with pytest.raises(MissingFileError):
        lines(site)
    attempt("cucmsh.services.lists.show_list.show_list", audited(cluster.site))
    assert [each["words"] for each in lines(site)] == ["show itl"]


def test_a_text_that_is_given_by_its_name_is_recorded(cluster: MadeCluster) -> None:
    site = audited(cluster.site)
    list_files(site, spec="a*")
    assert lines(site)[-1]["values"] == ["a*"]


def test_a_use_case_gives_what_its_function_gives(cluster: MadeCluster) -> None:
    @use_case("add")
    def add(_: Site, one: int, *, other: int) -> int:
        """Add two numbers."""
        return one + other

    assert add(called(cluster.site), 1, other=2) == 3
    assert add.__doc__ == "Add two numbers."
