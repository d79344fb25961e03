"""The ``admin:`` prompt of a node, from what a login is told to its exit status."""

from __future__ import annotations

import os
from contextlib import nullcontext

from cucmsh import services
from cucmsh.app import admit, open_own_site
from cucmsh.cli.session import open_session
from cucmsh.errors import CucmshError
from cucmsh.services.caller import WayIn
from cucmsh.services.certificates.monitor_notice import monitor_notice
from cucmsh.services.records.as_one import finish_alone
from cucmsh.services.records.open_work import login_notice
from cucmsh.services.records.state import serves_published
from cucmsh.services.seats import seated
from cucmsh.services.site import Site
from cucmsh.shell.screen import Screen
from cucmsh.shell.settings import PROMPT
from cucmsh.shell.terminal import Terminal

GIB = 1 << 30
MIB = 1 << 20


def run_shell(configuration: str, greeting: str = "", *, may_end: bool = True) -> int:
    """The interactive prompt; returns the exit status.

    Args:
        configuration: path of the node's configuration.
        greeting: printed before the banner; empty for a plain login.
        may_end: when nobody types; false for a lab, all of which would stop.
    """
    return serve_prompt(open_own_site(configuration), greeting, may_end=may_end)


def serve_prompt(site: Site, greeting: str = "", *, may_end: bool = True) -> int:
    """See ``run_shell``.

    Raises:
        RefusedError: there are as many sessions by SSH as may be.
    """
    screen = Screen(1)
    is_by_ssh = "SSH_CONNECTION" in os.environ
    with seated(site) if is_by_ssh else nullcontext(), Terminal(0).held():
        told = (
            *(greeting, "\n".join(banner()), _unfinished(site)),
            *(login_notice(site), _foreign(site), _monitor(site)),
        )
        for text in told:
            if text:
                screen.say(text)
        # The commands are loaded while a person or program reads this.
        screen.prompt_ahead(PROMPT)
        site, audit = admit(site, WayIn.PROMPT, os.environ, screen)
        audit.note("login", {})
        try:
            session = open_session(site, screen, audit, has_prompt=True)
            session.settings.may_end = may_end
            return session.run()
        finally:
            audit.note("logout", {})


def _unfinished(site: Site) -> str:
    """Go on with a change of the security password; why it does not, or nothing."""
    try:
        finish_alone(site)
    except CucmshError as problem:
        return f"A change of the security password is not finished: {problem.message}"
    return ""


def _foreign(site: Site) -> str:
    """That the list here came from elsewhere; empty if not, and in the strict form.

    The decision imports what hashes and verifies, so a list that has the time of the
    last one of this node is not looked at.
    """
    if site.settings.is_strict or not site.node.has_tftp:
        return ""
    if serves_published(site.home, site.tftp):
        return ""
    found = services.foreign_list(site)
    return found.line if found else ""


def _monitor(site: Site) -> str:
    """What the Certificate Monitor found last; empty in the strict form."""
    return "" if site.settings.is_strict else monitor_notice(site)


def banner() -> list[str]:
    """Lines before the first prompt (docs/cli.md#banner).

    The processor's kind stands for its name: reading /proc/cpuinfo costs half a
    millisecond of every login.
    """
    page, pages = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_PHYS_PAGES")
    disk = os.statvfs("/")
    return [
        "Command Line Interface is starting up, please wait ...",
        "",
        "   Welcome to the Platform Command Line Interface",
        "",
        "VMware Installation:",
        f"\t{os.cpu_count()} vCPU: {os.uname().machine}",
        f"\tDisk 1: {disk.f_blocks * disk.f_frsize // GIB}GB, Partitions aligned",
        f"\t{page * pages // MIB} Mbytes RAM",
        "",
    ]
