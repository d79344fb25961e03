"""Passwords: of the cluster, of administrators."""

from __future__ import annotations

from cucmsh import services, views
from cucmsh.errors import CancelledError, RefusedError
from cucmsh.secret import Secret
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog

MASK = "*"
YES_OR_NO = "Please answer 'y' for <yes> or 'n' for <no>:"
SECURITY_WARNING = """\
WARNING:
Please make sure that the security password on the publisher is changed first.
The security password needs to be the same on all cluster nodes,
including the application server, therefore the security password on all nodes
need to be changed.

After changing the security password on a cluster node, please restart that node.
"""


@command(
    "set password user security",
    of=lambda: services.set_security_password,
    has_json=True,
)
def set_password_user_security(dialog: Dialog, site: Site) -> None:
    """Change the cluster security password on this node, the publisher's first.

    ITLRecovery.p12 opens with the new one from then on, so save it again with
    `file get tftp ITLRecovery.p12`. Copies that were saved before open with the old
    one, which `utils itl reset remotekey` then asks for.

    Example:
    set password user security
    """
    old, new = ask_change(dialog)
    services.require_security_change(site, old, new)
    dialog.say(SECURITY_WARNING)
    if dialog.ask_key("Continue (y/n)?", "yn", YES_OR_NO) == "n":
        raise CancelledError("The security password was not changed.")
    dialog.say("\nPlease wait...\n")
    with dialog.uninterrupted():
        others = services.set_security_password(site, old, new)
    if dialog.helpful:
        for line in views.security_password_lines(others, site.node.is_publisher):
            dialog.say(line)
    dialog.result(
        lambda: ["Password updated successfully."],
        lambda: views.security_password_document(site.node.name, others),
    )


@command("set password user admin", of=lambda: services.set_own_password, has_json=True)
def set_password_user_admin(dialog: Dialog, site: Site) -> None:
    """Change the password of the account that is logged in; once in 24 hours.

    It has 8 to 31 characters, and is none of the last ten. In production it is the
    system's, which root changes with `passwd`.

    Example:
    set password user admin
    """
    services.require_own_password(site)
    old, new = ask_change(dialog)
    dialog.say("Please wait...\n")
    services.set_own_password(site, old, new)
    dialog.result(
        lambda: ["Password updated successfully."], lambda: {"node": site.node.name}
    )


@command(
    "set password user ccmadmin", of=lambda: services.set_ccm_password, has_json=True
)
def set_password_user_ccmadmin(dialog: Dialog, site: Site) -> None:
    """Change the CCM Administrator password, which resets of the ITL ask for.

    The old password is the present one or, where nobody knows that any more, the
    cluster security password.

    Example:
    set password user ccmadmin
    """
    old, new = ask_change(dialog)
    dialog.say("Please wait...\n")
    services.set_ccm_password(site, old, new)
    dialog.result(
        lambda: ["Password updated successfully."], lambda: {"node": site.node.name}
    )


def ask_change(dialog: Dialog) -> tuple[Secret, Secret]:
    """The old password and the new one, which is asked for twice.

    Raises:
        RefusedError: the two new ones differ.
    """
    old = dialog.ask_secret("Please enter the old password: ", MASK)
    return old, ask_new(
        dialog,
        "   Please enter the new password: ",
        "Reenter new password to confirm: ",
    )


def ask_new(dialog: Dialog, question: str, again: str) -> Secret:
    """A new password, asked for twice.

    Raises:
        RefusedError: the two differ.
    """
    new = dialog.ask_secret(question, MASK)
    if dialog.ask_secret(again, MASK) != new:
        raise RefusedError(
            "The two new passwords differ; nothing was changed",
            "Type the command again.",
        )
    return new
