"""Whether an account may log in whose password somebody else judged.

Apart from ``login``, which judges passwords: each login by sshd needs this and no more.
"""

from __future__ import annotations

from cucmsh.errors import RefusedError
from cucmsh.services.accounts.kept import read_accounts
from cucmsh.services.accounts.lockout import require_not_locked
from cucmsh.services.site import Site


def require_may_log_in(site: Site, account: str) -> None:
    """Refuse an account whose password somebody else judged, such as sshd.

    Raises:
        RefusedError: it is disabled, removed or locked; the message does not say which.
    """
    facts = read_accounts(site).get(account)
    if facts is not None and facts.get("is_enabled") is not True:
        raise RefusedError("This account may not log in now")
    require_not_locked(site, account)
