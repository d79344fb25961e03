"""What systemd and the publisher run: ``cucmsh hook ...``. Asks nobody anything.

Those for the service manager and for scripts have a report to show and are the app's:
``hook tftp-start`` (compose and sign before the TFTP service starts), ``hook
update-replicas`` (after it, on a publisher) and ``hook sign FILE...``.

=====================================  ==============================================
``service-status``                     ``active`` or ``inactive``, and the SHA-256 of
                                       the list in the TFTP directory, or ``-``
``install-list NAME SHA256 SEEN        a staged list of a reset, in place of the list
STATE``                                with the SHA-256 that was seen, or ``-``, on a
                                       node that was ``active`` or ``inactive``
``install-certificate NAME SHA256      a staged certificate of another member
NODE UNIT``
``describe``                           this node, for `cucmsh node add`
``join NAME SHA256``                   the staged cluster, as its publisher has it
=====================================  ==============================================
"""

from __future__ import annotations

from cucmsh.errors import UsageError
from cucmsh.services.joining.join import describe, join
from cucmsh.services.resetting.install import (
    install_certificate,
    install_list,
    take_staged,
)
from cucmsh.services.resetting.survey import sha256_served
from cucmsh.services.site import Site
from cucmsh.services.tftp import is_running


def run(site: Site, words: list[str]) -> str:
    """Run one hook; gives what it prints.

    Raises:
        UsageError: there is no such hook, or it takes other words.
    """
    match words:
        case ["service-status"]:
            state = "active" if is_running(site) else "inactive"
            return f"{state} {sha256_served(site)}\n"
        case ["install-list", name, sha256, seen, "active" | "inactive" as state]:
            raw = take_staged(site, name, sha256)
            was_active = state == "active"
            outcome = install_list(site, raw, seen, was_active=was_active)
            return f"{outcome.state.value}\n{outcome.reason}".rstrip("\n") + "\n"
        case ["install-certificate", name, sha256, node, unit]:
            install_certificate(site, take_staged(site, name, sha256), node, unit)
            return "installed\n"
        case ["describe"]:
            return f"{describe(site)}\n"
        case ["join", name, sha256]:
            join(site, take_staged(site, name, sha256))
            return "joined\n"
    raise UsageError(
        f"there is no hook {' '.join(words)!r}",
        "Hooks: tftp-start, update-replicas, sign FILE..., service-status, "
        "install-list NAME SHA256 SEEN STATE, "
        "install-certificate NAME SHA256 NODE UNIT, describe, join NAME SHA256",
    )
