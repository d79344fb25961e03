"""The commands about the session: help, paging, idle time, the counting prompt."""

from __future__ import annotations

import os
import pwd

import pytest

from cucmsh.errors import CancelledError, UsageError
from cucmsh.services.caller import Caller, Privilege, WayIn
from cucmsh.services.idle import idle_minutes
from cucmsh.shell.complete import complete, explain
from cucmsh.shell.grammar import Grammar, Pack
from cucmsh.shell.scripted import ScriptedDialog, ScriptedSession
from tests.commands.calls import (
    GRAMMAR,
    call,
    dialog_with,
    run,
    with_renamed_subscriber,
)
from tests.services.callers import called
from tests.services.made_cluster import SUBSCRIBER, MadeCluster

QUESTION = "Continue (y/n)?"
COMMANDS = sorted(GRAMMAR.commands, key=lambda entry: entry.phrase)


def test_pagination_belongs_to_the_session(cluster: MadeCluster) -> None:
    with dialog_with() as dialog:
        told = []
        for choice in ("off", "on"):
            run(dialog, cluster.site, f"set cli pagination {choice}")
            run(dialog, cluster.site, "show cli pagination")
            told.append(dialog.session.pagination)
    assert told == [False, True]
    assert dialog.lines == [
        "Automatic pagination is turned off",
        "Automatic Pagination : Off.",
        "Automatic pagination is turned on",
        "Automatic Pagination : On.",
        "",
    ]


def test_the_time_out_is_30_minutes_until_one_is_set(cluster: MadeCluster) -> None:
    site = cluster.site
    assert "30 minutes" in call(site, "show cli session timeout").text
    call(site, "set cli session timeout 60", [(QUESTION, "y")])
    assert idle_minutes(site) == 60
    assert "60 minutes" in call(site, "show cli session timeout").text


def test_no_to_the_question_keeps_the_time_out(cluster: MadeCluster) -> None:
    with dialog_with([(QUESTION, "n")]) as dialog, pytest.raises(CancelledError):
        run(dialog, cluster.site, "set cli session timeout 60")
    assert idle_minutes(cluster.site) == 30


@pytest.mark.parametrize("text", ["4", "100000", "x", "5.0", "\u0665\u0665", "9" * 900])
def test_no_time_out_outside_of_the_originals_limits(
    cluster: MadeCluster, text: str
) -> None:
    with dialog_with() as dialog, pytest.raises(UsageError):
        run(dialog, cluster.site, f"set cli session timeout {text}")
    assert idle_minutes(cluster.site) == 30


@pytest.mark.parametrize("raw", [b"idle_minutes = 1", b"idle_minutes = 'x'", b"\xff"])
def test_a_time_out_that_cannot_be_read_is_the_default(
    cluster: MadeCluster, raw: bytes
) -> None:
    cluster.site.home.write("state/session.toml", raw)
    assert idle_minutes(cluster.site) == 30


def test_myself_is_the_account_of_the_operating_system(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    monkeypatch.setenv("USER", "somebody-else")
    nobody_said = called(cluster.site, Caller(WayIn.PROMPT))
    shown = call(nobody_said, "show myself").lines
    account = pwd.getpwuid(os.getuid()).pw_name
    assert shown[:2] == [
        "Machine Name    : test10pub",
        f"account name    : {account}",
    ]


def test_myself_is_who_was_let_in_and_says_with_which_level(
    cluster: MadeCluster,
) -> None:
    """Accounts of a lab are none of the operating system; its SSH server names them."""
    caller = Caller(WayIn.PROMPT, "joe", level=Privilege.CHANGE)
    shown = call(called(cluster.site, caller), "show myself").lines
    assert "account name    : joe" in shown
    assert "privilege level : 1" in shown


def test_myself_is_the_name_that_logged_in_where_a_user_id_has_two(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every administrator has the node's user id; see `cucmsh init --sshd`."""
    entry = pwd.getpwuid(os.getuid())
    second = pwd.struct_passwd(("second", *entry[1:]))
    monkeypatch.setattr(pwd, "getpwnam", {"second": second}.__getitem__)
    monkeypatch.setenv("LOGNAME", "second")
    nobody_said = called(cluster.site, Caller(WayIn.PROMPT))
    assert "account name    : second" in call(nobody_said, "show myself").lines


def test_the_prompt_counts_when_it_is_told_to(cluster: MadeCluster) -> None:
    counted = []
    with dialog_with() as dialog:
        for choice in ("enable", "disable"):
            run(dialog, cluster.site, f"set commandcount {choice}")
            run(dialog, cluster.site, "show myself")
            counted.append(dialog.session.counts_commands)
    assert counted == [True, False]
    assert "command count   : enabled" in dialog.lines


def test_help_lists_every_command(cluster: MadeCluster) -> None:
    listed = call(cluster.site, "help").lines
    said = " ".join(" ".join(listed).split())  # a long one goes on in the next line
    for entry in COMMANDS:
        assert entry.phrase in said, entry.phrase
    assert max(map(len, listed)) <= 80


def test_help_for_a_menu_lists_what_is_below_it(cluster: MadeCluster) -> None:
    named = [line.split("  ")[0] for line in call(cluster.site, "help set cli").lines]
    assert [name for name in named if name] == [
        "set cli pagination on|off",
        "set cli session timeout <minutes>",
    ]


def test_help_has_the_originals_layout(cluster: MadeCluster) -> None:
    assert call(cluster.site, "help file list tftp").text == (
        "file list tftp help:\n"
        "List files and folders of the TFTP directory.\n"
        "\n"
        "On the publisher ITLRecovery.p12 is among them; TFTP itself never serves it.\n"
        "\n"
        "options are:\n"
        "spec    - a path; '*' and '?' in its last part stand for any letters\n"
        "options - detail, reverse, date, size; each may be cut\n"
        "\n"
        "Example:\n"
        "file list tftp *.tlv\n"
        "file list tftp settings/*\n"
    )


def test_help_for_what_is_no_command_says_so(cluster: MadeCluster) -> None:
    with dialog_with() as dialog, pytest.raises(UsageError):
        run(dialog, cluster.site, "help nonsense")


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: str(entry.phrase))
def test_every_command_explains_its_values_and_shows_itself(entry: object) -> None:
    command = next(each for each in COMMANDS if each is entry)
    choices = {word for step in command.words if len(step) > 1 for word in step}
    names = {parameter.name for parameter in command.parameters}
    assert set(command.options) == choices | names
    assert all(command.options.values())
    assert command.examples
    for example in command.examples:
        assert GRAMMAR.parse(example).command == command


@pytest.mark.thorough
@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: str(entry.phrase))
def test_p4_no_help_holds_the_prompt(cluster: MadeCluster, entry: object) -> None:
    command = next(each for each in COMMANDS if each is entry)
    words = " ".join(step[0] for step in command.words)
    explained = call(cluster.site, f"help {words}")
    assert explained.lines[0].endswith(" help:")
    assert "admin:" not in explained.text
    assert max(map(len, explained.lines)) <= 88
    assert "admin:" not in "".join(explain(GRAMMAR, cluster.site, words))


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("set cert regen C", ["CallManager", "CAPF"]),
        ("show cert own ITL", ["ITLRecovery"]),
        ("utils service restart ", ["Cisco Tftp"]),
        ("show network cluster test10s", ["test10sub"]),
        ("file get tftp ITLR", ["ITLRecovery.p12"]),
        ("file list tftp ITLF", ["ITLFile.tlv"]),
        ("help utils i", ["itl"]),
        ("help utils itl reset ", ["localkey", "remotekey"]),
        ("set cli pagination o", ["off", "on"]),
    ],
)
def test_tab_offers_what_the_command_takes(
    cluster: MadeCluster, line: str, texts: list[str]
) -> None:
    cluster.start()
    found = [each.text for each in complete(GRAMMAR, cluster.site, line)]
    assert found == sorted(texts) or found == texts


def test_one_node_of_the_cluster_can_be_looked_at(cluster: MadeCluster) -> None:
    shown = call(cluster.site, "show network cluster test10sub").lines
    assert "test10pub" not in "".join(shown[-3:])
    with dialog_with() as dialog, pytest.raises(UsageError):
        run(dialog, cluster.site, "show network cluster nobody")


def test_a_renamed_node_is_looked_at_by_its_earlier_name_too(
    cluster: MadeCluster,
) -> None:
    site = with_renamed_subscriber(cluster.site, "newsub")
    shown = call(site, f"show network cluster {SUBSCRIBER}").lines
    assert " newsub Subscriber " in shown[0]
    assert [line for line in shown if line][-1] == "newsub"


def test_show_packs_names_each_with_its_folder_and_commands(
    cluster: MadeCluster,
) -> None:
    (command,) = (each for each in COMMANDS if each.phrase == "show itl")
    packs = [
        Pack("commands", "/a/commands", (command,)),
        Pack("broken", "nowhere", (), "The command pack 'broken' cannot be imported."),
    ]
    session = ScriptedSession(Grammar([command], packs))
    with ScriptedDialog(session=session) as dialog:
        assert run(dialog, cluster.site, "show packs") == 1
    assert dialog.lines == [
        "commands    /a/commands",
        "    show itl",
        "broken    nowhere",
        "    not loaded: The command pack 'broken' cannot be imported.",
        "",
    ]


def test_a_scripted_session_pages_when_told_to() -> None:
    session = ScriptedSession()
    session.pagination = True
    assert session.is_paged
