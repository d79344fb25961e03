"""The names of this node: its host name and its domain."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from commands.questions import (
    ask_value,
    say_cut_off,
    say_holders,
    say_locked_out,
)
from commands.restart_screen import RestartScreen
from cucmsh import services, views
from cucmsh.errors import CancelledError, UsageError
from cucmsh.services.site import Site
from cucmsh.shell.answers import ATTEMPTS, is_yes
from cucmsh.shell.command import FAILED, command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import NAME

HOST_NAME = "hostname"
DOMAIN = "domain"
WARNING = """\
            *** W A R N I N G ***
Do not close this window without first canceling the command."""
SECURITY = (
    "Security Warning : This operation will regenerate all CUCM Certificates including "
    "any third party signed Certificates that have been uploaded."
)
DOMAIN_SECURITY = """\
Security Warning : This operation will regenerate
all CUCM Certificates including any third party
signed Certificates that have been uploaded."""
NAME_QUESTION = "Enter the hostname:: "
ADDRESS_QUESTION = (
    "Would you like to change the network ip address at this time [yes]:: "
)
NOT_OURS = "The address is the machine's and is not changed here: please type no."
AGAIN = "Please answer 'y' for <yes> or 'n' for <no>:"
# The original's scripts behind which a step of ours stands.
SCRIPTS = {
    "configuration": "ahostname_callback.sh",
    "members": "clm_notify_hostname.sh",
    "certificates": "regenerate_all_certs.sh",
}


@command(
    "set network hostname [name]",
    of=lambda: services.set_host_name,
    kinds={"name": NAME},
    has_json=True,
)
def set_network_hostname(dialog: Dialog, site: Site, name: str = "") -> int:
    """Rename this node, and regenerate its certificates but ITLRecovery.

    The other members are told, the earlier name stays as an alias, and Cisco Tftp and
    Cisco Trust Verification Service restart. The machine's own name, its address and
    DNS are left alone. Run again, it finishes what was interrupted.

    name: the new host name, without its domain; asked for without one

    Example:
    set network hostname newpub
    """
    if name:  # refused before a question is asked
        services.look_at_rename(site, HOST_NAME, name)
    dialog.say("ctrl-c: To quit the input.\n")
    dialog.say(WARNING)
    _say_what_happens(dialog)
    dialog.say(f"\n{SECURITY}\n")
    name = name or ask_value(dialog, NAME_QUESTION, NAME)
    looked = services.look_at_rename(site, HOST_NAME, name)
    _leave_the_address(dialog)
    dialog.say("Warning: Do not close this window until command finishes.\n")
    dialog.say(f"Hostname: {looked.wanted.name}\n")
    if not looked.is_begun:
        _say_who_is_lost(dialog, site, HOST_NAME, name)
    if not is_yes(dialog, "Do you want to continue [yes/no]? "):
        raise CancelledError("The node was not renamed.")
    told = _OnScreen(dialog, site, looked.before.name, looked.wanted.name)
    return _reported(dialog, site, services.set_host_name(site, name, told), looked)


@command(
    "set network domain <name>",
    of=lambda: services.set_domain,
    kinds={"name": NAME},
    has_json=True,
)
def set_network_domain(dialog: Dialog, site: Site, name: str) -> int:
    """Give this node another domain, and regenerate its certificates but ITLRecovery.

    It is the domain of this node alone: type it on each. Otherwise as `set network
    hostname`.

    name: the new domain

    Example:
    set network domain example.org
    """
    looked = services.look_at_rename(site, DOMAIN, name)
    dialog.say(WARNING.splitlines()[0])
    _say_what_happens(dialog)
    dialog.say(f"\n{DOMAIN_SECURITY}")
    if not looked.is_begun:
        _say_who_is_lost(dialog, site, DOMAIN, name)
    if dialog.ask_key("Continue (y/n)?", "yn", AGAIN) == "n":
        raise CancelledError("The domain was not changed.")
    told = _OnScreen(dialog, site)
    return _reported(dialog, site, services.set_domain(site, name, told), looked)


def _say_what_happens(dialog: Dialog) -> None:
    """What is true of ours; the original's own lines at this place are not known."""
    if dialog.helpful:
        dialog.say(
            "This command restarts Cisco Tftp and Cisco Trust Verification Service of "
            "this node.\nMake sure that the new name is known to DNS before."
        )


def _leave_the_address(dialog: Dialog) -> None:
    for _ in range(ATTEMPTS):
        if dialog.ask(ADDRESS_QUESTION) == "no":
            return
        try:
            dialog.ask_again(ADDRESS_QUESTION, NOT_OURS)
        except UsageError as refused:
            raise CancelledError(refused.message, refused.advice) from refused
    raise CancelledError(f"{NOT_OURS} The node was not renamed.")


def _say_who_is_lost(dialog: Dialog, site: Site, change: str, name: str) -> None:
    say_holders(dialog, site)
    say_locked_out(dialog, site, change, name)
    say_cut_off(dialog, site)


class _OnScreen:
    """A ``RenameDialog`` in the original's words, as far as a step stands behind them.

    Args:
        dialog: where it is shown.
        site: this node.
        before: the host name so far; empty where the domain alone changes, of which
            the original's lines are not known.
        wanted: the host name to be.
    """

    def __init__(
        self, dialog: Dialog, site: Site, before: str = "", wanted: str = ""
    ) -> None:
        self._dialog = dialog
        self._site = site
        self._names = (before, wanted)
        self._is_written = False

    def changing(self) -> AbstractContextManager[object]:
        return self._dialog.uninterrupted()

    def begins(self, step: services.RenameStep, steps: Sequence[str]) -> None:
        before, wanted = self._names
        if self._is_written:  # by now
            self._dialog.say(f"updating server table from:'{before}', to: '{wanted}'")
            self._dialog.say("Rows: 1")
        self._is_written = step == "configuration" and bool(wanted)
        if not wanted:
            return
        number, script = [*steps].index(step) + 1, SCRIPTS[step]
        self._dialog.say(
            f"calling {number} of {len(steps)} component notification script: {script}"
        )
        if step == "members":
            self._dialog.say("Verifying update across cluster nodes...")

    def told(self, outcomes: Sequence[services.NodeOutcome]) -> None:
        if self._names[1] and all(each.is_done for each in outcomes):
            self._dialog.say("cluster update successfull")

    def service(self, name: str) -> RestartScreen:
        return RestartScreen(self._dialog, name, self._site.node.name)


def _reported(
    dialog: Dialog, site: Site, done: services.Renamed, looked: services.LookedAt
) -> int:
    for line in views.renamed_lines(done):
        dialog.say(line)
    if not done.is_done:
        untold = services.open_waiting(site, services.Work.NAMES)
        for work in (*services.open_renames(site), *untold):
            dialog.say(work.line)
        dialog.say(FAILED)
    if dialog.helpful:
        for line in views.yours_to_do_lines(looked.before, done.now):
            dialog.say(line)
        following = services.what_follows(
            site, services.require_unit(site, "CallManager")
        )
        if following:
            dialog.say(following)
    dialog.result(tuple, lambda: views.renamed_document(site.node.name, done))
    return 0 if done.is_done else 3
