"""Certificates that are brought from elsewhere: imported, and deleted again."""

from __future__ import annotations

from commands.certificates import units
from commands.questions import (
    ask_pem,
    require_yes,
    say_cut_off,
    say_holders,
    say_locked_out,
    say_what_follows,
)
from cucmsh import services, views
from cucmsh.services.site import Site
from cucmsh.shell.command import FAILED, command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import NAME

CONTINUE = "Do you want to continue (yes/no)? "


def trusts(_: Site) -> list[str]:
    """The trusts, for completion."""
    return services.trusts()


def imported(site: Site) -> list[str]:
    """The certificates that can be deleted, for completion."""
    return services.trusted_names(site, is_imported=True)


def authorities(site: Site) -> list[str]:
    """The trusted certificates, for completion."""
    return services.trusted_names(site)


@command(
    "set cert import own <unit> [caCert]",
    of=lambda: services.import_own,
    candidates={"unit": units, "caCert": authorities},
    kinds={"unit": NAME, "caCert": NAME},
    has_json=True,
)
def set_cert_import_own(
    dialog: Dialog, site: Site, name: str, authority: str = ""
) -> int:
    """Install the certificate that an authority made for a request of this node.

    It is pasted, in PEM, until its END line. It has to be of the key that `set csr gen`
    made, and the certificates of its authorities have to be in the trust of the unit:
    import them first, the root before the others.

    unit: CallManager, tomcat or another one that `show csr list` names
    caCert: its issuer's certificate, as `show cert list trust` prints it

    Example:
    set cert import own tomcat
    """
    unit = services.require_unit(site, name)
    services.require_request(site, unit)
    services.require_no_hold(site, unit)
    raw = ask_pem(dialog)
    services.check_own(site, unit, raw, authority)
    say_holders(dialog, site)
    is_dangerous = say_locked_out(dialog, site, "regen", unit)
    if unit == "TVS":
        is_dangerous = say_cut_off(dialog, site) or is_dangerous
    if is_dangerous:
        require_yes(dialog, CONTINUE)
    with dialog.uninterrupted():
        outcomes = services.import_own(site, unit, raw, authority)
    dialog.say(
        f"Successfully imported certificate for {unit}.\n"
        f"Please restart services related to {unit} for the new certificate to become "
        "active."
    )
    say_what_follows(dialog, site, unit)
    undelivered = views.delivery_lines(outcomes)
    for line in undelivered:
        dialog.say(line)
    if undelivered:
        for work in services.open_waiting(site, services.Work.CERTIFICATES):
            dialog.say(f"Run `{work.finish}` when they answer.")
        dialog.say(FAILED)
    dialog.result(
        tuple,
        lambda: views.regenerated_document(
            site.node.name, unit, services.own_certificate(site, unit)[0], outcomes
        ),
    )
    return 3 if undelivered else 0


@command(
    "set cert import trust <unit>",
    of=lambda: services.import_trusted,
    candidates={"unit": trusts},
    kinds={"unit": NAME},
    has_json=True,
)
def set_cert_import_trust(dialog: Dialog, site: Site, name: str) -> int:
    """Trust a certificate from elsewhere, on every node of the cluster.

    It is pasted, in PEM, until its END line; a chain may be pasted as PKCS#7. TVS
    vouches for what is in Phone-SAST, CallManager, CAPF and tomcat. One of the same
    name that is there is replaced if its validity begins earlier.

    unit: tomcat, ipsec, CallManager, CAPF, TVS or Phone-SAST

    Example:
    set cert import trust CallManager
    """
    trust = services.require_trust(name)
    done = services.import_trusted(site, trust, ask_pem(dialog))
    dialog.say(
        f"Successfully imported certificate for {name}.\n"
        f"Please restart services related to {name} for the new certificate to become "
        "active."
    )
    if dialog.helpful:
        for line in views.import_lines(done):
            dialog.say(line)
    dialog.result(tuple, lambda: views.imports_document(site.node.name, done))
    return say_undelivered(dialog, done)


def say_undelivered(dialog: Dialog, done: services.Imports) -> int:
    """Name the members that did not get what was imported; the exit status."""
    undelivered = views.delivery_lines(list(done.outcomes))
    for line in undelivered:
        dialog.say(line)
    if undelivered:
        dialog.say("Import it once more, here or there, when they answer.")
        dialog.say(FAILED)
    return 3 if undelivered else 0


@command(
    "set cert delete <unit> <name>",
    of=lambda: services.delete_trusted,
    candidates={"unit": trusts, "name": imported},
    kinds={"unit": NAME, "name": NAME},
    has_json=True,
)
def set_cert_delete(dialog: Dialog, site: Site, unit: str, name: str) -> None:
    """Trust an imported certificate no longer, on this node.

    Other nodes trust it until it is deleted there, too: each knows who needs it. A copy
    stays in the home of the node. This node's own certificates, and those of other
    nodes of the cluster, are not deleted.

    unit: whose trust it is in: tomcat, ipsec, CallManager, CAPF, TVS or Phone-SAST
    name: as `show cert list trust` prints it, such as ca.pem

    Example:
    set cert delete CallManager ca.pem
    """

    def agree(needed: list[str]) -> None:
        for line in needed:
            dialog.say(line)
        require_yes(dialog, CONTINUE)

    copy = services.delete_trusted(site, unit, name, agree)
    members = site.settings.cluster.members
    others = [node.name for node in members if node.name != site.node.name]
    trust = services.require_trust(unit)
    file = name.removeprefix(f"{trust}/")
    dialog.say(f"Successfully deleted certificate {trust}/{file}.")
    if dialog.helpful:
        dialog.say(f"A copy of it is {site.home.root}/{copy}.")
        if others:
            dialog.say(
                "Other nodes may still trust it: delete it there, too, with the same "
                f"command. {', '.join(others)}"
            )
    dialog.result(
        tuple,
        lambda: {
            "node": site.node.name,
            "trust": trust,
            "name": file,
            "copy": f"{site.home.root}/{copy}",
            "others": others,
        },
    )
