"""The phones' files: signed, so that phones which hold an ITL take them."""

from __future__ import annotations

from cucmsh.services.lists.phone_files import choose
from cucmsh.services.lists.publish import bring_signed, exit_status, sign_chosen
from cucmsh.services.lists.replicas import replicas_of
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import CONTROL_C, Dialog
from cucmsh.shell.limits import FAILED
from cucmsh.shell.parameter_types import FILE
from cucmsh.views.signing import replica_lines, signing_lines


def files(site: Site) -> list[str]:
    """The files that are signed for phones, for completion."""
    return list(choose(site).names) if site.node.has_tftp else []


@command(
    "utils tftp sign [spec...]",
    changes=True,
    candidates={"spec": files},
    kinds={"spec": FILE},
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
    chosen = choose(site, specs)
    with dialog.working(lambda: f"Still signing; {len(chosen.names)} files in all..."):
        report = sign_chosen(site, chosen)
    for line in signing_lines(report):
        dialog.say(line)
    names = ", ".join(node.name for node in replicas_of(site))
    with dialog.working(lambda: f"Waiting for {names}..."):
        replicas = bring_signed(site, report)
    for line in replica_lines(replicas):
        dialog.say(line)
    status = exit_status(report, replicas)
    if status:
        dialog.say(FAILED)
    return status
