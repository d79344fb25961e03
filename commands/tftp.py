"""The phones' files: signed, so that phones which hold an ITL take them."""

from __future__ import annotations

from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.kinds import FILE


def files(site: Site) -> list[str]:
    """The files that are signed for phones, for completion."""
    from cucmsh.services.phone_files import choose

    return list(choose(site).names)


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
    files that they name; * and ? stand for any letters. A publisher then brings its
    list and its signed files to the replicas.
    """
    from cucmsh.services.phone_files import choose
    from cucmsh.services.publish import exit_status, sign_chosen
    from cucmsh.services.replicas import push
    from cucmsh.views.signing import replica_lines, signing_lines

    dialog.say("Signing the files of the phones, please wait...")
    report = sign_chosen(site, choose(site, specs.split()))
    for line in signing_lines(report):
        dialog.say(line)
    replicas = push(site)
    for line in replica_lines(replicas):
        dialog.say(line)
    status = exit_status(report, replicas)
    if status:
        dialog.say("Executed command unsuccessfully")
    return status
