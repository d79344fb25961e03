"""The CCM Administrator password: asked for by a reset, and changed.

The original's user interface keeps it; here it is a scrypt verifier on the publisher.
Wrong ones count against the account of whoever types them (``lockout``).
"""

from __future__ import annotations

from cucmsh.alarms import ADMIN_PASSWORD
from cucmsh.errors import RefusedError
from cucmsh.secret import Secret
from cucmsh.services.accounts.lockout import attempt, caller
from cucmsh.services.caller import Privilege
from cucmsh.services.certificates.cluster_passwords import ClusterPasswords
from cucmsh.services.nodes.password_policy import require_ccm
from cucmsh.services.records.alarms import tell
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

CCM = "set password user ccmadmin"
USER = "ccmadmin"  # whose password it is, in an alarm


def require_ccm_password(site: Site, password: Secret) -> None:
    """Refuse another password than the CCM Administrator's, and count it.

    Raises:
        RefusedError: it is another one, or the account is locked.
    """
    passwords = ClusterPasswords(site)
    if not attempt(site, caller(site), lambda: passwords.is_ccm_password(password)):
        raise RefusedError(
            "The CCM Administrator password is not correct; nothing was changed",
            "Type the password of the CCM application administrator.",
        )


@use_case(CCM, changes=True, publisher_only=True, level=Privilege.ALL)
def set_ccm_password(site: Site, old: Secret, new: Secret) -> None:
    """Take another CCM Administrator password.

    Args:
        site: this publisher.
        old: the present one; or, where nobody knows that any more, the cluster
            security password.
        new: the new one.

    Raises:
        RefusedError: ``old`` is neither, ``new`` is weak or the security password;
            nothing was changed.
    """
    passwords = ClusterPasswords(site)

    def is_right() -> bool:
        # Both are judged: how long it takes tells nobody which it is.
        is_ccm, is_security = (
            passwords.is_ccm_password(old),
            passwords.is_security_password(old),
        )
        return is_ccm or is_security

    if not attempt(site, caller(site), is_right):
        tell(site, ADMIN_PASSWORD, USER, "not changed")
        raise RefusedError(
            "The old password is not correct; nothing was changed",
            "Type the present CCM Administrator password or, if nobody knows it any "
            "more, the cluster security password.",
        )
    require_ccm(new, passwords.security_password())
    with site.node_lock(CCM):
        passwords.set_ccm_password(new)
    tell(site, ADMIN_PASSWORD, USER, "changed")
