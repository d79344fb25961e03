"""``set password user security``: another cluster security password on this node.

All that lies under it changes with it, as one (``records.as_one``). Each member
has a copy of its own: the publisher's first, then that of every other member, by the
same command there. A member with an older one goes on as it is; what it cannot do is
join anew (``nodes.join``).
"""

from __future__ import annotations

from cucmsh.errors import CucmshError, RefusedError
from cucmsh.secret import Secret
from cucmsh.services.accounts.lockout import attempt, caller
from cucmsh.services.caller import Privilege
from cucmsh.services.certificates.cluster_passwords import ClusterPasswords
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.nodes.compare_passwords import ask_others
from cucmsh.services.nodes.other_passwords import expect_others, other_passwords
from cucmsh.services.nodes.password_policy import require_strong
from cucmsh.services.nodes.tell_names import others_to_tell
from cucmsh.services.records import as_one
from cucmsh.services.records.work import SECURITY
from cucmsh.services.site import Site
from cucmsh.services.sweep import sweep
from cucmsh.services.usecase import use_case


def require_security_change(site: Site, old: Secret, new: Secret) -> None:
    """Refuse what ``set_security_password`` refuses, before a question is asked.

    Raises:
        RefusedError: ``old`` is not the present one; ``new`` is weak, the same, or the
            CCM Administrator's.
    """
    passwords = ClusterPasswords(site)
    if not attempt(site, caller(site), lambda: passwords.is_security_password(old)):
        raise RefusedError(
            "That is not the cluster security password; nothing was changed",
            "It is the one that `cucmsh init` asked for first, or that was set since.",
        )
    require_strong(new)
    if new == old:
        raise RefusedError("That is the present security password; nothing was changed")
    if site.node.is_publisher and passwords.is_ccm_password(new):
        raise RefusedError(
            "That is the CCM Administrator password; nothing was changed",
            "Take another one: who knows the one must not know the other.",
        )


@use_case(SECURITY, changes=True, level=Privilege.ALL)
def set_security_password(site: Site, old: Secret, new: Secret) -> dict[str, str]:
    """Take another security password, on this node.

    The recovery key file then has other bytes: it counts as not backed up.

    The other members are named at each login until they are seen to have the same
    (``nodes.compare_passwords``): on a subscriber its publisher, there everybody.

    Returns:
        Those that have to follow, or did not say; and why, for each.

    Raises:
        RefusedError: see ``require_security_change``; nothing was changed.
        KeyFileError: the recovery key file does not open with ``old``; the same.
        BusyError: another change of the cluster is under way.
        StoreError: a key file cannot be read; nothing was changed. Else see
            ``as_one.replace``.
    """
    with site.cluster_lock(SECURITY):
        sweep(site)
        as_one.finish_alone(site)
        require_security_change(site, old, new)
        files = Keystore(site).rekeyed(new)
        with site.node_lock(SECURITY):  # a start composes with what lies there
            # First, so that after a kill too many are noted and never too few.
            expect_others(site, [node.name for node in others_to_tell(site)])
            as_one.replace(site, files)
    try:
        ask_others(site)
        return other_passwords(site)
    except CucmshError as problem:  # it is changed: who follows is looked at later
        return {node.name: problem.message for node in others_to_tell(site)}
