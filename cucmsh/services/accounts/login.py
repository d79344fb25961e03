"""Whether an account is let in by its password, which is judged here."""

from __future__ import annotations

from cucmsh.errors import RefusedError
from cucmsh.secret import Secret
from cucmsh.services.accounts.kept import read_accounts
from cucmsh.services.accounts.lockout import Who, attempt, caller
from cucmsh.services.accounts.store import is_password
from cucmsh.services.certificates.verifier import make_verifier
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case


def lets_in(site: Site, who: Who, password: Secret) -> bool:
    """Whether a password lets an account in; counted, and told by an alarm.

    A disabled account, a locked one and one that is not there are refused as a wrong
    password is, after the same time. What is not there is not counted.
    """
    facts = read_accounts(site).get(who.account, {})
    if "verifier" not in facts:
        make_verifier(password)
        return False
    return attempt(
        site,
        who,
        lambda: is_password(facts, password) and facts.get("is_enabled") is True,
    )


@use_case("log in")
def log_in(site: Site, account: str, password: Secret) -> None:
    """Let an account in by its password, on a page; counted as by SSH.

    Raises:
        RefusedError: see ``lets_in``; the message does not say which it is.
        StoreError, BusyError: see ``lockout.attempt``.
    """
    if not lets_in(site, caller(site)._replace(account=account), password):
        raise RefusedError("Account or password is not correct.")
