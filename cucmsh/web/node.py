"""The node whose page it is, for whoever asks: its present configuration, its guard."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from cucmsh.config.settings import Settings, is_outdated
from cucmsh.secret import Secret
from cucmsh.services.accounts.kept import level_of, read_accounts
from cucmsh.services.accounts.lockout import is_locked
from cucmsh.services.accounts.login import log_in
from cucmsh.services.caller import Caller, Privilege, Unrecorded, WayIn
from cucmsh.services.site import Site

OpenSite = Callable[[], Site]
Admit = Callable[[Site, Caller], Site]


class PageNode:
    """One node; opened again when its configuration is another one.

    Args:
        open_site: opens it.
        admit: the node for a caller, with the record of what they do.
    """

    def __init__(self, open_site: OpenSite, admit: Admit) -> None:
        self._open_site = open_site
        self._admit = admit
        self._site = open_site()
        self._lock = Lock()

    @property
    def site(self) -> Site:
        """The node as it is configured now; nobody is its caller.

        Raises:
            ConfigurationError: that cannot be read.
        """
        with self._lock:
            if is_outdated(self._site.settings):
                self._site = self._open_site()
            return self._site

    @property
    def settings(self) -> Settings:
        """As they were read last, also where the file cannot be read now."""
        return self._site.settings

    def of(self, account: str, level: Privilege, address: str) -> Site:
        """The node for one request.

        Args:
            account: who is logged in; empty for nobody yet.
            level: what the account may do.
            address: from where.
        """
        caller = Caller(WayIn.PAGE, account, address, level)
        return self._admit(self.site, caller)

    def of_nobody(self, address: str) -> Site:
        """The node for who need not log in: only looks, and is not recorded."""
        caller = Caller(WayIn.PAGE, "", address, Privilege.READ)
        return self.site.called_by(caller, Unrecorded())

    def log_in(self, account: str, password: Secret, address: str) -> Privilege:
        """Let an account in; returns what it may do.

        Raises:
            RefusedError, StoreError, BusyError: see ``accounts.login.log_in``.
        """
        log_in(self.of("", Privilege.READ, address), account, password)
        return level_of(self.site, account)

    def account_mark(self, account: str) -> str:
        """Changes with everything that ends the sessions of an account."""
        site = self.site
        facts = read_accounts(site).get(account, {})
        told = [str(facts.get(key)) for key in ("verifier", "level", "is_enabled")]
        return "\n".join([*told, str(is_locked(site, account))])
