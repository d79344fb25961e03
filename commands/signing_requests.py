"""Requests for certificates that an authority signs: made and shown."""

from __future__ import annotations

from commands.certificates import units
from cucmsh import services, views
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import NAME

NONE = "No Certificate Sign Request available for display"


def requests(site: Site) -> list[str]:
    """The requests of this node, for completion."""
    return services.request_names(site)


@command(
    "set csr gen <unit>",
    of=lambda: services.generate_request,
    candidates={"unit": units},
    kinds={"unit": NAME},
    has_json=True,
)
def set_csr_gen(dialog: Dialog, site: Site, name: str) -> None:
    """Make a key and a request for its certificate, for an authority to sign.

    The certificate in use stays until `set cert import own` brings the new one. A
    request that is there is replaced, and its key with it.

    unit: CallManager, tomcat or another one that `show cert list own` names

    Example:
    set csr gen tomcat
    """
    unit = services.require_unit(site, name)
    services.require_signed_by_others(unit)
    replaces = f"{unit}/{unit}.csr" in services.request_names(site)
    request = services.generate_request(site, unit)
    dialog.say(f"Successfully Generated CSR for {unit}.")
    if dialog.helpful:
        if replaces:
            dialog.say(
                "It replaces an earlier one: a certificate for that one fits no key."
            )
        dialog.say(
            f"`show csr own {unit}/{unit}.csr` shows it; have it signed, then type "
            f"`set cert import own {unit}`."
        )
    dialog.result(tuple, lambda: views.request_document(site.node.name, unit, request))


@command("show csr list", has_json=True)
def show_csr_list(dialog: Dialog, site: Site) -> None:
    """List the requests for certificates of this node.

    Example:
    show csr list
    """
    found = [f"{unit}/{unit}.csr" for unit in services.open_requests(site)]
    dialog.result(
        lambda: found or [NONE],
        lambda: {"node": site.node.name, "requests": found},
    )


@command(
    "show csr own <name>",
    candidates={"name": requests},
    kinds={"name": NAME},
    has_json=True,
)
def show_csr_own(dialog: Dialog, site: Site, name: str) -> None:
    """Show a request for a certificate, to be given to an authority.

    The second block is PKCS#10 as openssl and every authority reads it.

    name: such as tomcat/tomcat.csr, as `show csr list` prints it

    Example:
    show csr own tomcat/tomcat.csr
    """
    request = services.own_request(site, name)
    unit = name.partition("/")[0]
    dialog.result(
        lambda: views.request_lines(request),
        lambda: views.request_document(site.node.name, unit, request),
    )
