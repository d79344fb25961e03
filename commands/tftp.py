"""The phones' files: signed, so that phones which hold an ITL take them."""

from __future__ import annotations

from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog


def files(site: Site) -> list[str]:
    """The files that are signed for phones, for completion."""
    from cucmsh.services.phone_files import choose

    return list(choose(site).names)


@command("utils tftp sign [spec...]", changes=True, candidates={"spec": files})
def utils_tftp_sign(dialog: Dialog, site: Site, specs: str = "") -> int:
    """Sign the phones' files with the CallManager key: NAME.sgn beside NAME.

    Without a spec, all that need it: files whose signature is missing, not theirs any
    more, or by a key that the served ITL does not name as TFTP. With one or more, the
    files that they name; * and ? stand for any letters. A publisher then brings its
    list and its signed files to the replicas.
    """
    from cucmsh.services.phone_files import choose
    from cucmsh.services.publish import sign_and_push
    from cucmsh.views.signing import signing_lines

    done = sign_and_push(site, choose(site, specs.split()))
    for line in signing_lines(done):
        dialog.say(line)
    if done.exit_status:
        dialog.say("Executed command unsuccessfully")
    return done.exit_status
