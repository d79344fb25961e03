"""The least version of TLS that this node's TVS speaks."""

from __future__ import annotations

from commands.questions import require_yes, say_cut_off
from cucmsh import services
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog

_BOX = "*" * 100


@command("show tls min-version", has_json=True)
def show_tls_min_version(dialog: Dialog, site: Site) -> None:
    """Show the least version of TLS that phones must speak with this node's TVS.

    Example:
    show tls min-version
    """
    version = services.tls_minimum(site)
    dialog.result(
        lambda: [f"Configured TLS minimum version: {version}"],
        lambda: {"node": site.node.name, "tls_minimum": version},
    )


@command(
    "set tls min-version 1.0|1.1|1.2|1.3",
    of=lambda: services.set_tls_minimum,
    has_json=True,
)
def set_tls_min_version(dialog: Dialog, site: Site, version: str) -> None:
    """Set the least version of TLS that phones must speak with this node's TVS.

    For the port of TVS alone. It is taken from the next connection on; nothing is
    restarted. Each node has its own.

    1.0: what 79xx and 894x phones need; ciphers and signatures of then are allowed, too
    1.1: those of then are allowed, too
    1.2: what other phones speak
    1.3: no phone is known that speaks it with TVS

    Example:
    set tls min-version 1.2
    """
    present = services.tls_minimum(site)
    dialog.say(
        "This command sets the minimum TLS version of the Cisco Trust Verification "
        "Service on this node."
    )
    if dialog.helpful:
        for line in _consequences(present, version):
            dialog.say(line)
    if version > present:
        say_cut_off(dialog, site)
    dialog.say(
        f"\n{_BOX}\nWarning: This will set the minimum TLS to {version}. Phones that "
        f"speak less are refused by TVS.\n{_BOX}\n"
    )
    require_yes(dialog, "Do you want to continue (yes/no) ? ")
    services.set_tls_minimum(site, version)
    dialog.result(
        lambda: [
            f"Successfully set minimum TLS version to {version}",
            "TVS takes it from the next connection on; nothing is restarted.",
        ],
        lambda: {"node": site.node.name, "tls_minimum": version},
    )


def _consequences(present: str, version: str) -> list[str]:
    """What becomes of phones, by what their families speak (docs/formats.md#tvs)."""
    lines = []
    if version == "1.3":
        lines.append(
            "No phone is known that speaks TLS 1.3 with TVS: all that ask would be "
            "refused, and depend on the keys of the list that they hold."
        )
    elif version != "1.0" and present == "1.0":
        lines.append("79xx and 894x phones speak TLS 1.0 at most: they are refused.")
    if version in ("1.0", "1.1") and present not in ("1.0", "1.1"):
        lines.append("Below 1.2 OpenSSL's security level is 0 on this port.")
    return lines
