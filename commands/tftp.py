"""The phones' files: signed, so that phones which hold an ITL take them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from cucmsh import services, views
from cucmsh.services.site import Site
from cucmsh.shell.command import FAILED, command
from cucmsh.shell.dialog import CONTROL_C, Dialog
from cucmsh.shell.parameter_types import FILE


def files(site: Site) -> list[str]:
    """The files that are signed for phones, for completion."""
    return list(services.choose(site).names) if site.node.has_tftp else []


@command(
    "utils tftp sign [spec...]",
    of=lambda: services.sign_and_bring,
    candidates={"spec": files},
    kinds={"spec": FILE},
    has_json=True,
)
def utils_tftp_sign(dialog: Dialog, site: Site, specs: str = "") -> int:
    """Sign the phones' files with the CallManager key: NAME.sgn beside NAME.

    Without a spec, all that need it: files whose signature is missing, not theirs any
    more, or by a key that the served ITL does not name as TFTP. With one or more, the
    files that they name. A publisher then brings its list and its signed files to the
    replicas. Ctrl-C ends it between two files; run again it goes on.

    spec: one file name or more; '*' and '?' in it stand for any letters

    Example:
    utils tftp sign
    utils tftp sign SEP*.cnf.xml
    """
    try:
        return _sign_and_push(dialog, site, specs.split())
    except KeyboardInterrupt:
        dialog.say(f"{CONTROL_C}: what was begun is finished, the rest is not.")
        dialog.say(FAILED)
        return 3


def _sign_and_push(dialog: Dialog, site: Site, specs: list[str]) -> int:
    dialog.say("Signing the files of the phones, please wait...")
    done = services.sign_and_bring(
        site, services.choose(site, specs), _OnScreen(dialog)
    )
    dialog.result(
        lambda: views.replica_lines(done.replicas),
        lambda: views.signing_document(site.node.name, done),
    )
    if done.exit_status:
        dialog.say(FAILED)
    return done.exit_status


class _OnScreen:
    """A ``SignDialog``."""

    def __init__(self, dialog: Dialog) -> None:
        self._dialog = dialog

    def signing(self, choice: services.Choice) -> AbstractContextManager[None]:
        count = len(choice.names)
        return self._dialog.working(lambda: f"Still signing; {count} files in all...")

    def signed(self, report: services.SignReport) -> None:
        for line in views.signing_lines(report):
            self._dialog.say(line)

    def bringing(self, names: Sequence[str]) -> AbstractContextManager[None]:
        return self._dialog.working(lambda: f"Waiting for {', '.join(names)}...")
