"""The certificates of this node: shown and regenerated; trusted ones shown."""

from __future__ import annotations

from commands.questions import (
    say_cut_off,
    say_holders,
    say_locked_out,
    say_what_follows,
)
from cucmsh import services, views
from cucmsh.errors import CancelledError
from cucmsh.services.site import Site
from cucmsh.shell.answers import is_yes
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import NAME


def units(site: Site) -> list[str]:
    """The units of this node, for completion."""
    return services.own_units(site)


def trusted(site: Site) -> list[str]:
    """The trusted certificates, for completion."""
    return services.trusted_names(site)


@command(
    "set cert regen <unit>",
    of=lambda: services.regenerate,
    candidates={"unit": units},
    kinds={"unit": NAME},
    has_json=True,
)
def set_cert_regen(dialog: Dialog, site: Site, name: str) -> int:
    """Regenerate the key and certificate of one unit of this node.

    Refused within five minutes of the last regeneration on the same node: phones
    that lose CallManager and TVS at once cannot be reached any more.

    unit: CallManager, TVS or another one that `show cert list own` names

    Example:
    set cert regen CallManager
    """
    unit = services.require_unit(site, name)
    services.require_no_hold(site, unit)
    standing = services.state_of_trust(site)
    if standing and dialog.helpful:
        dialog.say(f"\nThe ITL of this node: {standing}")
    say_holders(dialog, site)
    say_locked_out(dialog, site, "regen", unit)
    if unit == "TVS":
        say_cut_off(dialog, site)
    dialog.say(f"\n{views.regeneration_warning(unit, site.settings.profile)}")
    if not is_yes(dialog, "Proceed with regeneration (yes|no)? "):
        raise CancelledError("The certificate was not regenerated.")
    with dialog.uninterrupted(), dialog.working(lambda: _still(site, unit)):
        outcomes = services.regenerate(site, unit)
    undelivered = views.delivery_lines(outcomes)
    dialog.say(f"\n{views.regeneration_text(unit, site.settings.profile)}")
    say_what_follows(dialog, site, unit)
    for line in undelivered:
        dialog.say(line)
    if undelivered:
        for work in services.open_waiting(site, services.Work.CERTIFICATES):
            dialog.say(f"Run `{work.finish}` when they answer.")
        dialog.say("Executed command unsuccessfully")
    dialog.result(
        tuple,
        lambda: views.regenerated_document(
            site.node.name, unit, services.own_certificate(site, unit)[0], outcomes
        ),
    )
    return 3 if undelivered else 0


def _still(site: Site, unit: str) -> str:
    others = [node.name for node in site.settings.cluster.members]
    others.remove(site.node.name)
    names = ", ".join(others)
    return f"Still at it: {unit} is made, and brought to {names or 'nobody'}..."


@command("show cert list own", has_json=True)
def show_cert_list_own(dialog: Dialog, site: Site) -> None:
    """List the certificates of this node.

    Example:
    show cert list own
    """
    rows = services.own_certificates(site)
    dialog.result(
        lambda: views.certificate_rows(rows),
        lambda: views.certificates_document(site.node.name, rows),
    )


@command(
    "show cert own <unit>",
    candidates={"unit": units},
    kinds={"unit": NAME},
    has_json=True,
)
def show_cert_own(dialog: Dialog, site: Site, name: str) -> None:
    """Show one certificate of this node, and its PEM form.

    unit: such as TVS, or TVS/TVS.pem as `show cert list own` prints it

    Example:
    show cert own CallManager
    """
    certificate, pem = services.own_certificate(site, name)
    unit = name.partition("/")[0]
    is_later = site.settings.profile.has_later_certificate_words
    dialog.result(
        lambda: views.certificate_lines(certificate, pem, is_later=is_later),
        lambda: views.certificate_shown_document(
            site.node.name, unit, certificate, pem
        ),
    )


@command("show cert list trust", has_json=True)
def show_cert_list_trust(dialog: Dialog, site: Site) -> int:
    """List the certificates that this node trusts.

    Those that other nodes of the cluster brought, and those that were imported.

    Example:
    show cert list trust
    """
    shown = services.trusted_certificates(site)
    dialog.result(
        lambda: views.trusted_rows(shown),
        lambda: views.trusted_document(site.node.name, shown),
    )
    return 1 if shown.problems else 0


@command(
    "show cert trust <name>",
    candidates={"name": trusted},
    kinds={"name": NAME},
    has_json=True,
)
def show_cert_trust(dialog: Dialog, site: Site, name: str) -> None:
    """Show one certificate that this node trusts, and its PEM form.

    name: as `show cert list trust` prints it, such as CallManager-trust/ca.pem

    Example:
    show cert trust CallManager-trust/ca.pem
    """
    found, pem = services.trusted_certificate(site, name)
    is_later = site.settings.profile.has_later_certificate_words
    dialog.result(
        lambda: views.certificate_lines(found.certificate, pem, is_later=is_later),
        lambda: views.certificate_shown_document(
            site.node.name, found.trust, found.certificate, pem
        ),
    )
