"""``utils service``, and the commands about node and session."""

from __future__ import annotations

import pytest

from cucmsh.errors import RefusedError, ServiceError, StoreError, UsageError
from cucmsh.layout import START, START_RESULT, facts_file
from cucmsh.services.records import open_work, start_notes
from cucmsh.services.records.state import keep_mark
from cucmsh.shell.dialog import EndSession
from cucmsh.views.times_and_sizes import login_date
from tests.commands.calls import GRAMMAR, call, dialog_with, run
from tests.services.made_cluster import MadeCluster

RECOVERY = "CN=ITLRECOVERY_test10pub.joemar2.lab"
RESTART = "utils service restart Cisco Tftp"
PHRASES = [
    "delete account <name>",
    "set account enable|disable <name>",
    "set account name <name>",
    "set password user admin",
    "show account",
    "exit",
    "file delete activelog <spec> [options...]",
    "file delete tftp <spec> [options...]",
    "file get activelog <spec> [options...]",
    "file get tftp <file>",
    "file list activelog <spec> [options...]",
    "file list tftp <spec> [options...]",
    "file search activelog <spec> <expression> [options...]",
    "file search tftp <spec> <expression> [options...]",
    "file tail activelog <spec> [options...]",
    "file tail tftp <spec> [options...]",
    "file view activelog <file>",
    "file view tftp <file>",
    "help [command...]",
    "quit",
    "set accountlocking count <attempts>",
    "set accountlocking enable|disable",
    "set accountlocking unlocktime <seconds>",
    "set cert bulk consolidate <type>",
    "set cert bulk export <type>",
    "set cert bulk import <type>",
    "set cert delete <unit> <name>",
    "set cert import own <unit> [caCert]",
    "set cert import trust <unit>",
    "set cert regen <unit>",
    "set cli pagination on|off",
    "set cli session timeout <minutes>",
    "set commandcount enable|disable",
    "set csr gen <unit>",
    "set network domain <name>",
    "set network hostname [name]",
    "set password user ccmadmin",
    "set password user security",
    "set release <release>",
    "set tls min-version 1.0|1.1|1.2|1.3",
    "set session maxlimit <sessions>",
    "show accountlocking",
    "show session maxlimit",
    "show cert hold",
    "show cert list own",
    "show cert list trust",
    "show cert own <unit>",
    "show cert trust <name>",
    "show cli pagination",
    "show cli session timeout",
    "show csr list",
    "show csr own <name>",
    "show itl all",
    "show itl phones [state] [node] [page]",
    "show itl phones csv [state] [node]",
    "show ctl",
    "show itl",
    "show myself",
    "show network cluster [node]",
    "show packs",
    "show status",
    "show tls min-version",
    "show version active",
    "utils disaster_recovery backup network <features> <device>",
    "utils disaster_recovery cancel_backup [confirm]",
    (
        "utils disaster_recovery device add network "
        "<name> <path> <server> <user> [number_of_backups]"
    ),
    "utils disaster_recovery device delete <name>",
    "utils disaster_recovery device list",
    "utils disaster_recovery estimate_tar_size <features>",
    "utils disaster_recovery history backup|restore",
    "utils disaster_recovery prepare restore pub_from_sub",
    "utils disaster_recovery restore network <server> <tar> <device>",
    ("utils disaster_recovery schedule add <name> <device> <features> <time> <repeat>"),
    "utils disaster_recovery schedule enable|disable|delete <name>",
    "utils disaster_recovery schedule list",
    "utils disaster_recovery show_backupfiles <device>",
    "utils disaster_recovery status backup|restore",
    "utils itl preview hostname|domain <name>",
    "utils itl preview localkey|restart",
    "utils itl preview regen <unit>",
    "utils itl preview release <release>",
    "utils itl preview remotekey <file>",
    "utils itl reset localkey",
    "utils itl reset remotekey <host> <user> <path>",
    "utils itl trust release",
    "utils phone reset|restart <which>",
    "utils service list [page]",
    "utils service restart <service...>",
    "utils service start <service...>",
    "utils service stop <service...>",
    "utils system restart|shutdown",
    "utils tftp sign [spec...]",
]


DEVICES = tuple(f"utils disaster_recovery device {verb}" for verb in ("add", "delete"))
RECOVERS = tuple(
    f"utils disaster_recovery {verb}"
    for verb in (
        *("backup", "cancel_backup", "prepare", "restore"),
        *("schedule add", "schedule enable"),
    )
)


def test_pack_holds_every_phrase() -> None:
    assert sorted(command.phrase for command in GRAMMAR.commands) == sorted(PHRASES)


def test_changing_commands_say_so_and_resets_are_the_publishers() -> None:
    changing = {entry.phrase for entry in GRAMMAR.commands if entry.changes}
    assert changing == {
        phrase
        for phrase in PHRASES
        if phrase.startswith(
            (
                *("set account", "set cert", "set cli session", "set csr"),
                *("delete account",),
                *("set password", "set tls", "utils itl", "utils phone"),
                *("utils service", "utils tftp", "file delete"),
                *(*RECOVERS, *DEVICES),
                *("set password", "set session", "set tls", "utils itl", "utils phone"),
                *("utils service", "utils tftp"),
                *("set network", "set release"),
            )
        )
        and phrase != "utils service list [page]"
        and not phrase.startswith("utils itl preview")
    }
    assert {entry.phrase for entry in GRAMMAR.commands if entry.publisher_only} == {
        phrase
        for phrase in PHRASES
        if phrase.startswith(
            (
                "utils itl reset",
                "set cert bulk",
                "set password user ccmadmin",
                "set release",
                *RECOVERS,
            )
        )
    }


def test_every_command_has_a_json_form_but_those_that_only_end() -> None:
    having = {entry.phrase for entry in GRAMMAR.commands if entry.has_json}
    assert having == {*PHRASES} - {"quit", "exit"}


def test_every_command_explains_itself() -> None:
    for entry in GRAMMAR.commands:
        assert entry.summary.endswith("."), entry.phrase


@pytest.mark.thorough
def test_restart_says_what_was_seen_and_composes_anew(cluster: MadeCluster) -> None:
    cluster.reset()
    called = call(cluster.site, RESTART)
    assert called.text == (
        " Don't press Ctrl-c while the service is getting RESTARTED.If Service has "
        "not Restarted Properly, execute the same Command Again\n"
        "Service Manager is running\n"
        "Cisco Tftp[STOPPING]  \n"
        "Cisco Tftp[STARTING]  \n"
        "Cisco Tftp[STARTED]  \n"
    )
    assert cluster.publisher.signer == "CN=test10pub.joemar2.lab"


@pytest.mark.thorough
def test_stopped_service_keeps_the_reset_for_exactly_one_start(
    cluster: MadeCluster,
) -> None:
    call(cluster.site, "utils service stop Cisco Tftp")
    cluster.reset()
    signers = []
    for line in ("utils service start Cisco Tftp", RESTART):
        assert call(cluster.site, line).status == 0
        signers.append(cluster.publisher.signer)
    assert signers == [RECOVERY, "CN=test10pub.joemar2.lab"]


@pytest.mark.thorough
def test_start_that_is_not_read_back_keeps_the_mark_and_says_so(
    cluster: MadeCluster,
) -> None:
    cluster.publisher.service.lies_with = cluster.publisher.raw
    cluster.reset()
    called = call(cluster.site, RESTART)
    assert called.lines[-2].startswith("The reset ITL is in place, but Cisco Tftp did")
    assert keep_mark(cluster.site.home)
    assert cluster.publisher.signer == RECOVERY


@pytest.mark.thorough
def test_stop_and_start(cluster: MadeCluster) -> None:
    assert call(cluster.site, "utils service stop Cisco Tftp").lines[1:] == [
        "Cisco Tftp[STOPPING]  ",
        "Cisco Tftp[STOPPED]  Commanded Out of Service",
        "",
    ]
    listed = call(cluster.site, "utils service list").lines
    assert "Cisco Tftp[STOPPED]  Commanded Out of Service" in listed
    assert call(cluster.site, "utils service start Cisco Tftp").lines[1:] == [
        "Cisco Tftp[STARTING]  ",
        "Cisco Tftp[STARTED]  ",
        "",
    ]
    assert "Cisco Tftp[STARTED]  " in call(cluster.site, "utils service list").lines


@pytest.mark.thorough
@pytest.mark.parametrize("can_note", [True, False])
def test_restart_that_left_no_record_is_not_called_done(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch, *, can_note: bool
) -> None:
    """As where the disk is read-only, or systemd starts nothing of ours any more."""
    site = cluster.site
    assert call(site, RESTART).status == 0  # no unit of ours ever wrote one
    site.home.write(START_RESULT, b"success exited 0\n")
    monkeypatch.setattr(cluster.publisher.service, "before_start", lambda: "")
    if not can_note:

        def refuse(*_: object) -> None:
            raise StoreError("Read-only file system")

        monkeypatch.setattr(f"{start_notes.__name__}.remember", refuse)
    called = call(site, RESTART)
    assert called.status == 3
    assert "No list was composed at th" in called.text
    assert "journalctl -u cucmsh-list" in called.text
    assert bool(open_work.login_notice(site)) == can_note
    assert ("Read-only file system" in called.text) != can_note
    # What runs is not started again by `start`, and leaves no record.
    site.home.remove(facts_file(START))
    assert call(site, "utils service start Cisco Tftp").status == 0


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_failing_service_is_never_called_started(
    cluster: MadeCluster, verb: str
) -> None:
    cluster.publisher.service.restart_fails = True
    with dialog_with() as dialog, pytest.raises(ServiceError, match="Job for tftpd"):
        run(dialog, cluster.site, f"utils service {verb} Cisco Tftp")
    assert "[STARTED]" not in dialog.text


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
@pytest.mark.parametrize("name", ["cisco tftp", "Cisco", "Cisco Tftp; id", "x"])
def test_unknown_service_is_wrong_use(
    cluster: MadeCluster, verb: str, name: str
) -> None:
    with dialog_with() as dialog, pytest.raises(UsageError):
        run(dialog, cluster.site, f"utils service {verb} {name}")
    assert cluster.publisher.service.requests == []


def test_version_is_the_releases(cluster: MadeCluster) -> None:
    called = call(cluster.site, "show version active", helpful=False)
    assert called.text == (
        "Active Master Version: 10.0.1.10000-24\n"
        "Active Version Installed Software Options:\n"
        "No Installed Software Options Found.\n"
    )


def test_login_to_another_node_has_its_date(cluster: MadeCluster) -> None:
    called = call(cluster.site, "show network cluster test10sub")
    date = login_date(cluster.clock.now())
    assert called.lines[0] == (
        "test10sub test10sub.joemar2.lab test10sub Subscriber callmanager DBSub "
        f"authenticated using TCP since {date}"
    )


def test_machine_is_not_restarted_and_it_is_said_what_to_do(
    cluster: MadeCluster,
) -> None:
    before = cluster.tree()
    for verb in ("restart", "shutdown"):
        with dialog_with() as dialog, pytest.raises(RefusedError) as refusal:
            run(dialog, cluster.site, f"utils system {verb}")
        assert "this machine is not its own" in refusal.value.message
        assert "utils service " in refusal.value.advice
        assert "systemctl" in refusal.value.advice
    assert cluster.tree() == before


def test_cluster_is_shown_with_who_answers(cluster: MadeCluster) -> None:
    cluster.subscriber.is_dead = True
    called = call(cluster.site, "show network cluster")
    assert called.status == 3
    assert called.text == (
        "test10pub test10pub.joemar2.lab test10pub Publisher callmanager DBPub "
        "authenticated\n"
        "test10sub test10sub.joemar2.lab test10sub Subscriber callmanager DBSub "
        "not authenticated\n"
        "  test10sub does not answer\n"
        "\n"
        "Server Table (processnode) Entries\n"
        "----------------------------------\n"
        "test10pub\n"
        "test10sub\n"
    )


@pytest.mark.parametrize("line", ["quit", "exit"])
def test_the_way_out(cluster: MadeCluster, line: str) -> None:
    with dialog_with() as dialog, pytest.raises(EndSession):
        run(dialog, cluster.site, line)
