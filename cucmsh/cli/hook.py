"""What systemd and the publisher run: ``cucmsh hook ...``. Asks nobody anything.

Those for the service manager and for scripts have a report to show and are the app's:
``hook tftp-start`` (compose and sign before the TFTP service starts), ``hook
update-replicas`` (after it, on a publisher) and ``hook sign FILE...``.

=====================================  ==============================================
``service-status``                     ``active`` or ``inactive``, and the SHA-256 of
                                       the list in the TFTP directory, or ``-``
``clock``                              the time here, Unix time in seconds
``stage NAME SHA256``                  keep what comes on standard input, for one of
                                       the hooks below
``discard NAME``                       take a staged file away
``install-list NAME SHA256 SEEN        a staged list of a reset, in place of the list
STATE [agreed]``                       with the SHA-256 that was seen, or ``-``, on a
                                       node that was ``active`` or ``inactive``; a
                                       person ``agreed`` that phones may refuse it
``install-certificate NAME SHA256      a staged certificate of another member; here
NODE UNIT``                            and below, NAME can be ``-`` for standard input
``describe``                           this node, for `cucmsh node add`
``join NAME SHA256``                   the staged cluster, as its publisher has it
``serve-node``                         what sshd runs for another node's key: those of
                                       these hooks that other nodes need
                                       (``login.node``)
=====================================  ==============================================
"""

from __future__ import annotations

from collections.abc import Callable

from cucmsh.errors import RefusedError, UsageError
from cucmsh.services.lists.compose import sha256_of
from cucmsh.services.lists.deliver import INPUT
from cucmsh.services.lists.install import (
    discard_staged,
    install_certificate,
    install_list,
    stage,
    take_staged,
)
from cucmsh.services.lists.survey import sha256_served
from cucmsh.services.nodes.join import describe, join
from cucmsh.services.nodes.tftp_service import is_running
from cucmsh.services.site import Site


def _nothing() -> bytes:
    return b""


def run(
    site: Site, words: list[str], read_input: Callable[[], bytes] = _nothing
) -> str:
    """Run one hook; gives what it prints.

    Args:
        site: this node.
        words: the hook, and what it takes.
        read_input: gives its standard input; called by the hooks that take it.

    Raises:
        UsageError: there is no such hook, or it takes other words.
    """
    match words:
        case ["service-status"]:
            state = "active" if is_running(site) else "inactive"
            return f"{state} {sha256_served(site)}\n"
        case ["clock"]:
            return f"{int(site.clock.now().timestamp())}\n"
        case ["describe"]:
            return f"{describe(site)}\n"
    said = _deliver(site, words, read_input)
    if said:
        return said
    raise UsageError(
        f"there is no hook {' '.join(words)!r}",
        "Hooks: tftp-start, update-replicas, sign FILE..., service-status, "
        "clock, serve-node, stage NAME SHA256, discard NAME, "
        "install-list NAME SHA256 SEEN STATE [agreed], "
        "install-certificate NAME SHA256 NODE UNIT, describe, join NAME SHA256",
    )


def _received(
    site: Site, name: str, sha256: str, read_input: Callable[[], bytes]
) -> bytes:
    """What another node sent: staged before, or on standard input.

    Raises:
        RefusedError: they are not the bytes that were sent.
    """
    if name != INPUT:
        return take_staged(site, name, sha256)
    raw = read_input()
    if sha256_of(raw) != sha256:
        raise RefusedError("what arrived is not what was to be sent")
    return raw


def _deliver(site: Site, words: list[str], read_input: Callable[[], bytes]) -> str:
    """The hooks that take something of another node's; empty for other words."""
    match words:
        case ["stage", name, sha256]:
            stage(site, name, sha256, read_input())
            return "staged\n"
        case ["discard", name]:
            discard_staged(site, name)
            return "discarded\n"
        case [
            "install-list",
            name,
            sha256,
            seen,
            "active" | "inactive" as state,
            *agreed,
        ] if agreed in ([], ["agreed"]):
            raw = take_staged(site, name, sha256)
            outcome = install_list(
                site,
                raw,
                seen,
                was_active=state == "active",
                is_agreed=bool(agreed),
            )
            return f"{outcome.state.value}\n{outcome.reason}".rstrip("\n") + "\n"
        case ["install-certificate", name, sha256, node, unit]:
            raw = _received(site, name, sha256, read_input)
            install_certificate(site, raw, node, unit)
            return "installed\n"
        case ["join", name, sha256]:
            join(site, _received(site, name, sha256, read_input))
            return "joined\n"
    return ""
