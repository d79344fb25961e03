"""Questions that several commands ask. Holds no command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cucmsh import services, views
from cucmsh.errors import CancelledError, UsageError
from cucmsh.services.backends import AcceptHostKey
from cucmsh.services.site import Site
from cucmsh.shell.answers import ATTEMPTS, is_yes
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import ParameterType, problem_with

if TYPE_CHECKING:
    from cucmsh.remote.known_hosts import HostKey

MOST_LINES = 4000  # of what is pasted; a chain has some hundred


def require_yes(dialog: Dialog, question: str) -> None:
    """Go on only after ``yes``."""
    if not is_yes(dialog, question):
        raise CancelledError("Nothing was changed.")


def say_holders(dialog: Dialog, site: Site) -> None:
    """Say how many phones hold the present ITL, as far as the inventory knows.

    For commands after which some may refuse the next one. Nothing without an inventory.
    """
    if dialog.helpful:
        for line in services.holder_lines(site):
            dialog.say(line)


def say_locked_out(dialog: Dialog, site: Site, change: str, unit: str = "") -> bool:
    """Say which phones the next start would lock out; whether there are any.

    Those that take the present ITL. With ``keep_trust`` on it is said in strict
    fidelity, too.
    """
    if not (dialog.helpful or site.settings.keep_trust):
        return False
    with dialog.working(lambda: "Asking TVS on each node..."):
        lost = services.locked_out(site, change, unit)
    for line in views.lock_out_lines(lost):
        dialog.say(line)
    return bool(lost)


def ask_about_locked_out(dialog: Dialog, site: Site) -> None:
    """Before Cisco Tftp starts: say whom it locks out, and ask with ``keep_trust`` on.

    Raises:
        CancelledError: it was asked, and the answer was not ``yes``.
    """
    if say_locked_out(dialog, site, "restart") and site.settings.keep_trust:
        require_yes(dialog, "Do you want to continue (yes/no)? ")


def say_cut_off(dialog: Dialog, site: Site) -> bool:
    """Say which phones need this node's TVS, before it goes; whether there are any.

    With ``keep_trust`` on it is said in strict fidelity, too.
    """
    if not (dialog.helpful or site.settings.keep_trust):
        return False
    with dialog.working(lambda: "Asking TVS on each node..."):
        found = services.cut_off_without(site)
    for cut_off in found:
        dialog.say(f"\n{cut_off.line}")
    return bool(found)


def say_what_follows(dialog: Dialog, site: Site, name: str) -> None:
    """After a certificate changed: who signs now, what is to be restarted, and when.

    Nothing in strict fidelity.
    """
    if not dialog.helpful:
        return
    unit = services.require_unit(site, name)
    following = services.what_follows(site, unit)
    if following:
        dialog.say(following)
    with dialog.working(lambda: "Asking TVS on each node..."):
        found = services.afterwards(site, unit)
    for line in views.afterwards_lines(unit, found):
        dialog.say(line)


def ask_value(dialog: Dialog, question: str, kind: ParameterType) -> str:
    """A line of that kind, held to what the grammar holds a parameter to.

    Raises:
        UsageError: three answers are refused; one, where nobody can be asked again.
    """
    for _ in range(ATTEMPTS):
        answer = dialog.ask(question)
        if not problem_with(kind, answer):
            return answer
        reason = f"Needed here is {kind.what}, without a dash first."
        dialog.ask_again(question, reason)
    raise UsageError("No usable answer was given; nothing was transferred.")


def ask_pem(dialog: Dialog) -> bytes:
    """Have a certificate pasted, a line at a time, until its END line.

    Text before it, such as openssl prints, is read over. An empty line after something
    that is no certificate ends it, too.

    Raises:
        CancelledError: nothing was pasted.
        UsageError: what was pasted does not begin as a certificate does, or is too
            long.
    """
    dialog.say("Paste the Certificate and Hit Enter")
    lines: list[str] = []
    has_begun = False
    while not (has_begun and lines[-1].startswith("-----END ")):
        line = dialog.ask("")
        if not line and not has_begun:
            if not lines:
                raise CancelledError("No certificate was pasted; nothing was changed.")
            break
        lines.append(line)
        has_begun = has_begun or line.startswith("-----BEGIN ")
        if len(lines) > MOST_LINES:
            raise UsageError(
                f"More than {MOST_LINES} lines were pasted; nothing was changed.",
                "Paste one certificate, or one PKCS#7 chain.",
            )
    if not has_begun:
        raise UsageError(
            "What was pasted is no certificate: none of its lines is "
            "-----BEGIN CERTIFICATE-----; nothing was changed.",
            "`openssl x509 -inform DER -in FILE` makes such lines of a DER file.",
        )
    return "\n".join([*lines, ""]).encode("utf-8", "surrogateescape")


def host_key_question(dialog: Dialog, host: str) -> AcceptHostKey:
    """The original's question about a host that was never seen before."""

    def accept(key: HostKey, address: str) -> bool:
        dialog.say(
            f"The authenticity of host '{host} ({address})' can't be established."
        )
        dialog.say(f"{key.short_kind} key fingerprint is {key.md5_fingerprint}.")
        if dialog.helpful:
            dialog.say(f"{key.short_kind} key fingerprint is {key.sha256_fingerprint}.")
        question = "Are you sure you want to continue connecting (yes/no)? "
        return is_yes(dialog, question)

    return accept
