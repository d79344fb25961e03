"""The hooks by which another member's list or certificate is installed."""

from __future__ import annotations

import hashlib

from cucmsh.cli.hooks import Call, Run
from cucmsh.errors import RefusedError
from cucmsh.services.lists.install import (
    discard_staged,
    install_certificate,
    install_list,
    stage,
    take_staged,
)
from cucmsh.services.lists.member_hooks import INPUT
from cucmsh.services.lists.pass_certificates import pass_certificates


def received(call: Call) -> bytes:
    """What another node sent: staged before as NAME, or on standard input.

    Raises:
        RefusedError: its SHA-256 is not the one that was named.
    """
    if call.given.name != INPUT:
        return take_staged(call.site, call.given.name, call.given.sha256)
    raw = call.read_input()
    if hashlib.sha256(raw).hexdigest() != call.given.sha256:
        raise RefusedError("what arrived is not what was to be sent")
    return raw


def _stage(call: Call) -> tuple[str, int]:
    stage(call.site, call.given.name, call.given.sha256, call.read_input())
    return "staged", 0


def _discard(call: Call) -> tuple[str, int]:
    discard_staged(call.site, call.given.name)
    return "discarded", 0


def _install_list(call: Call) -> tuple[str, int]:
    given = call.given
    outcome = install_list(
        call.site,
        take_staged(call.site, given.name, given.sha256),
        given.seen,
        was_active=given.state == "active",
        is_agreed=given.agreed is not None,
    )
    return f"{outcome.state.value}\n{outcome.reason}".rstrip("\n"), 0


def _install_certificate(call: Call) -> tuple[str, int]:
    install_certificate(call.site, received(call), call.given.node, call.given.unit)
    return "installed", 0


def _pass_certificates(call: Call) -> tuple[str, int]:
    """A line for each subscriber that did not get them."""
    outcomes = pass_certificates(call.site, call.given.node)
    left = [each for each in outcomes if not each.is_done]
    return "\n".join(f"{each.name}: {each.reason}" for each in left), 0


RUNS = {
    "stage": Run(_stage, stage),
    "discard": Run(_discard, discard_staged),
    "install-list": Run(_install_list, install_list),
    "install-certificate": Run(_install_certificate, install_certificate),
    "pass-certificates": Run(_pass_certificates, pass_certificates),
}
