"""Opens a node for whoever comes in: its configuration, its files, its caller.

Runs nothing. The prompt and single commands are in ``cucmsh.cli.session``, hooks and
the other verbs beside it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from cucmsh.backends import LateBackends
from cucmsh.config.settings import Settings, read_settings
from cucmsh.layout import DEFAULT_CONFIGURATION
from cucmsh.services.accounts.kept import level_of, read_accounts
from cucmsh.services.backends import Clock
from cucmsh.services.caller import Caller, Privilege, WayIn
from cucmsh.services.nodes.account import become_owner
from cucmsh.services.records.as_one import finish_restore
from cucmsh.services.records.audit import AuditLog
from cucmsh.services.site import Site
from cucmsh.shell.origin import origin
from cucmsh.shell.screen import Screen


class SystemClock:
    """The real time; see ``Clock``."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def boot(self) -> tuple[str, float]:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip(), time.clock_gettime(time.CLOCK_BOOTTIME)


def find_configuration(named: str, environment: Mapping[str, str]) -> str:
    """``--config``, ``$CUCMSH_CONFIG`` or the default, in that order."""
    return named or environment.get("CUCMSH_CONFIG", "") or DEFAULT_CONFIGURATION


def open_site(settings: Settings) -> Site:
    """The node of those settings; nobody is its caller yet."""
    clock: Clock = SystemClock()
    if settings.lab:
        from cucmsh.services.lab_time import LabClock  # noqa: PLC0415 - no node of ours

        clock = LabClock(clock, settings)
    return Site(settings, clock, LateBackends())


def open_own_site(configuration: str) -> Site:
    """The node of that configuration, as the owner of its home.

    Raises:
        RefusedError: root may not act there; see ``services.nodes.account``.
        CucmshError: see ``made_whole``.
    """
    settings = read_settings(configuration)
    if os.geteuid() == 0:
        become_owner(settings)
    return made_whole(open_site(settings))


def made_whole(site: Site) -> Site:
    """The node, where a restore that was agreed to and killed is finished first.

    Raises:
        BusyError: one is just being put in place, for half a minute.
        StoreError: it cannot be finished, such as on a full disk.
    """
    if finish_restore(site):
        return site.with_settings(read_settings(site.settings.path))
    return site


def admit_to_page(site: Site, caller: Caller) -> Site:
    """The site for a request to its page, and the record of what it does."""
    who = {"entry": str(caller.way_in), "user": caller.account, "ip": caller.address}
    audit = AuditLog(
        site.sinks,
        site.node.name,
        site.clock.now,
        time.monotonic,
        who=lambda: {key: value for key, value in who.items() if value},
        warn=Screen(2).say,
    )
    return site.called_by(caller, audit)


def admit(
    site: Site, way_in: WayIn, environment: Mapping[str, str], screen: Screen
) -> tuple[Site, AuditLog]:
    """The site for whoever came in this way, and the record of what they do.

    Args:
        site: this node.
        way_in: how they came.
        environment: of the process, which says who it is; see ``shell.origin``.
        screen: is told, once, that a line of the record could not be kept.

    Raises:
        RefusedError: nobody can say what this login may do: the accounts are damaged.
    """
    who = origin(environment, way_in)
    is_login = way_in in (WayIn.PROMPT, WayIn.EXEC)
    if is_login and site.settings.lab and "ssh" in who:
        # Accounts of a lab are not the system's: its SSH server names them.
        named = environment.get("LOGNAME", "")
        who |= {"user": named} if named in read_accounts(site) else {}
    account = who.get("user", "")
    address = who.get("ssh", "").partition(" ")[0]
    # A service goes on whatever its accounts are like.
    level = level_of(site, account) if is_login else Privilege.ALL
    caller = Caller(way_in, account, address, level)
    audit = AuditLog(
        site.sinks,
        site.node.name,
        site.clock.now,
        time.monotonic,
        who=lambda: who,
        warn=screen.say,
    )
    return site.called_by(caller, audit), audit
