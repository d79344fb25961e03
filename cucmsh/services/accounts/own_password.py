"""The password of the account that is logged in: `set password user admin`."""

from __future__ import annotations

from cucmsh.alarms import ADMIN_PASSWORD
from cucmsh.errors import RefusedError
from cucmsh.secret import Secret
from cucmsh.services.accounts.kept import read_accounts
from cucmsh.services.accounts.lockout import attempt, caller
from cucmsh.services.accounts.store import is_password, replace_password
from cucmsh.services.elapsed import seconds_since
from cucmsh.services.nodes.password_policy import require_account
from cucmsh.services.records.alarms import tell
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

DAY = 24 * 3600  # seconds between two changes of a password
REMEMBERED = 10  # earlier passwords that are not taken again


def require_own_password(site: Site) -> None:
    """Refuse an account whose password this node's SSH server does not judge.

    Raises:
        RefusedError: it is the system's: in production, and at the console of a lab.
    """
    name = caller(site).account
    if "verifier" not in read_accounts(site).get(name, {}):
        raise RefusedError(
            f"The password of {name} is the system's; nothing was changed",
            f"As root, run `passwd {name}`.",
        )


@use_case("set password user admin", changes=True)
def set_own_password(site: Site, old: Secret, new: Secret) -> None:
    """Change the password of the account that is logged in.

    Raises:
        RefusedError: see ``require_own_password``; ``old`` is wrong; ``new`` is weak,
            or one of the last ten; or it was changed less than 24 hours ago.
    """
    require_own_password(site)
    name = caller(site).account
    facts = read_accounts(site)[name]
    if not attempt(site, caller(site), lambda: is_password(facts, old)):
        tell(site, ADMIN_PASSWORD, name, "not changed")
        raise RefusedError("The old password is not correct; nothing was changed")
    require_account(new)
    since = seconds_since(site, facts.get("changed", {}))
    if since is not None and since < DAY:
        raise RefusedError(
            "The password was changed less than 24 hours ago; nothing was changed",
            "Somebody else can delete the account and make it anew.",
        )
    used = [facts["verifier"], *facts.get("earlier", [])][:REMEMBERED]
    if any(is_password({"verifier": each}, new) for each in used):
        raise RefusedError(
            f"It is one of the last {REMEMBERED} passwords; nothing was changed"
        )
    replace_password(site, name, facts, new, used)
    tell(site, ADMIN_PASSWORD, name, "changed")
