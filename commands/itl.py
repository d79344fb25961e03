"""The trust list: shown, and signed anew with a recovery key."""

from __future__ import annotations

from collections.abc import Iterator

from commands.questions import host_key_question, require_yes
from commands.reset_screens import ResetScreen, reset_screen
from cucmsh import services, views
from cucmsh.errors import RefusedError, TrustListError
from cucmsh.hosts import split_host
from cucmsh.services.backends import BackupServer
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import HOST, PATH, USER

RELEASED = "Earlier ITLs were released. Run `utils service restart Cisco Tftp`"


@command("show itl", has_json=True)
def show_itl(dialog: Dialog, site: Site) -> int:
    """Show this node's trust list, its checksums and whether it verifies.

    The checksums are of the whole file: compare them with what a phone shows. Nodes
    that should serve the same list and do not are named at the end.

    Example:
    show itl
    """
    foreign = services.foreign_list(site) if dialog.helpful else None
    try:
        held = services.show_list(site)
    except TrustListError as problem:
        raise RefusedError(
            f"Error parsing the ITL File.\n{problem.message}",
            services.how_to_compose(
                site,
                "Run `utils service restart Cisco Tftp`, which composes a new one.",
            ),
        ) from problem
    dialog.result(
        lambda: _shown(dialog, site, held, foreign),
        lambda: _described(site, held, foreign),
    )
    return 0 if held.verdict.is_valid else 1


def _shown(
    dialog: Dialog,
    site: Site,
    held: services.HeldList,
    foreign: services.ForeignList | None,
) -> Iterator[str]:
    """The list at once; then nodes, which may take their time to answer."""
    modified = views.format_time(held.modified)
    lines = views.show_trust_list(held.raw, held.trust_list, held.verdict, modified)
    yield "\n".join(lines)
    if foreign is not None:
        yield foreign.line
    with dialog.working(lambda: "Asking the other nodes what they serve..."):
        mismatches = services.find_mismatches(site, held.raw) if dialog.helpful else []
    if mismatches:
        yield from views.mismatch_lines(mismatches)


def _described(
    site: Site, held: services.HeldList, foreign: services.ForeignList | None
) -> views.Document:
    return views.list_document(
        site.node.name, held, services.find_mismatches(site, held.raw), foreign
    )


@command("show itl all", has_json=True)
def show_itl_all(dialog: Dialog, site: Site) -> int:
    """Show what each node's TFTP service serves: signer, checksums, age, stale or not.

    Every node is asked over TFTP, as a phone asks it. Each member signs a list of its
    own until a reset, so that lists may differ. A stale one does not name a present
    certificate of the cluster, or is a replica's and not the publisher's.

    Example:
    show itl all
    """
    with dialog.working(lambda: "Asking all nodes what they serve..."):
        seen = services.every_list(site)
    now = site.clock.now().timestamp()
    dialog.result(
        lambda: views.every_list_lines(
            seen, now, dialog.columns, helpful=dialog.helpful
        ),
        lambda: views.every_list_document(site.node.name, seen, now),
    )
    if not all(each.is_answer for each in seen):
        return 3
    well = services.ListState.CURRENT
    return 0 if all(each.state is well for each in seen) else 1


@command(
    "utils itl reset localkey", of=lambda: services.reset_with_local_key, has_json=True
)
def utils_itl_reset_localkey(dialog: Dialog, site: Site) -> int:
    """Sign the ITL with the key that does not sign it usually, on all TFTP nodes.

    That is this publisher's recovery key; from release 12.5 on its CallManager key,
    since the recovery key signs usually. Phones that hold an ITL with that key trust
    the cluster again once they are reset. The next restart of Cisco Tftp on a node
    undoes it there.

    Example:
    utils itl reset localkey
    """
    screen = reset_screen(dialog, site)
    return _reported(dialog, site, screen, services.reset_with_local_key(site, screen))


@command(
    "utils itl reset remotekey <host> <user> <path>",
    of=lambda: services.reset_with_saved_key,
    kinds={"host": HOST, "user": USER, "path": PATH},
    has_json=True,
)
def utils_itl_reset_remotekey(
    dialog: Dialog, site: Site, host: str, user: str, path: str
) -> int:
    """Sign the ITL with a saved recovery key from an SFTP server.

    The file opens with the security password of the cluster it came from, which is
    asked for if it is not this cluster's.

    host: the server; host:port for another port than 22
    user: the account there
    path: an ITLRecovery.p12 that `file get tftp ITLRecovery.p12` saved there

    Example:
    utils itl reset remotekey backup.example.org joe /home/joe/ITLRecovery.p12
    """
    address, port = split_host(host)
    password = dialog.ask_secret("Enter Sftp password :")
    server = BackupServer(address, port, user, password)
    accept = host_key_question(dialog, address)
    screen = reset_screen(dialog, site, address)
    done = services.reset_with_saved_key(site, server, path, accept, screen)
    return _reported(dialog, site, screen, done)


def _reported(
    dialog: Dialog, site: Site, screen: ResetScreen, done: services.ResetDone
) -> int:
    dialog.result(
        lambda: screen.ended(done.report),
        lambda: views.reset_document(site.node.name, done.plan, done.report),
    )
    return done.report.exit_status


@command("utils itl trust release", of=lambda: services.release_trust, has_json=True)
def utils_itl_trust_release(dialog: Dialog, site: Site) -> None:
    """Give up phones that hold an earlier ITL and do not know this node's keys.

    With keep_trust on, this node serves only what phones that hold any earlier ITL of
    it accept: after a regeneration an earlier key goes on signing. This ends it, on
    this node, when Cisco Tftp starts next. Phones that did not fetch an ITL since then
    show Trust List Update Failed.

    Example:
    utils itl trust release
    """

    def agree(plan: services.GiveUpPlan) -> None:
        for line in views.give_up_lines(plan):
            dialog.say(line)
        require_yes(dialog, "Do you want to give them up (yes/no)? ")

    plan = services.release_trust(site, agree)
    dialog.result(
        lambda: [f"{RELEASED}: the next start signs with {plan.key}."],
        lambda: views.release_document(site.node.name, plan),
    )
