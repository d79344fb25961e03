"""What is known of phones."""

from __future__ import annotations

from cucmsh import services, views
from cucmsh.errors import UsageError
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import NAME

STATES = ("match", "mismatch", "unknown", "stale", "no-recovery")


def node_names(site: Site) -> list[str]:
    """The nodes of the cluster, for completion."""
    return [node.name for node in site.settings.cluster.nodes]


@command(
    "show itl phones [node] [page]",
    candidates={"node": node_names},
    kinds={"node": NAME, "page": NAME},
    has_json=True,
)
def show_itl_phones(dialog: Dialog, site: Site, node: str = "", page: str = "") -> None:
    """Show which phone was last said to hold which ITL, by whom and when.

    `asked for` is a line of a TFTP log, `was sent` of an HTTP log, `shows` the phone's
    own page, `said` an alarm in its name. None is a proof. A phone matches if it is
    the ITL that a node serves now.

    node: only phones that asked this node last
    page: a number, 50 phones each; `all` for all of them

    Example:
    show itl phones
    show itl phones mismatch
    """
    _show(dialog, site, "", node, page)


@command(
    "show itl phones match|mismatch|unknown|stale|no-recovery [node] [page]",
    candidates={"node": node_names},
    kinds={"node": NAME, "page": NAME},
    has_json=True,
)
def show_itl_phones_of_state(
    dialog: Dialog, site: Site, state: str, node: str = "", page: str = ""
) -> None:
    """Show the phones of one state.

    match: their ITL is one that a node serves now
    mismatch: it is another one, or none
    unknown: nothing was said of their ITL
    stale: nothing at all was said of them for `stale_days` of the configuration
    no-recovery: their ITL does not know the present ITLRecovery
    node: only phones that asked this node last
    page: a number, 50 phones each; `all` for all of them

    Example:
    show itl phones no-recovery
    show itl phones mismatch test10sub 2
    """
    _show(dialog, site, state, node, page)


@command(
    "show itl phones csv [state] [node]",
    candidates={"state": lambda _: STATES, "node": node_names},
    kinds={"state": NAME, "node": NAME},
    has_json=True,
)
def show_itl_phones_csv(
    dialog: Dialog, site: Site, state: str = "", node: str = ""
) -> None:
    """Give all phones, or those of one state, as comma-separated values.

    state: match, mismatch, unknown, stale or no-recovery
    node: only phones that asked this node last

    Example:
    show itl phones csv
    """
    if state and state not in STATES:
        state, node = "", state
    shown = services.phones_by_state(site, services.phone_state(state), node)
    dialog.result(
        lambda: views.phones_csv(shown),
        lambda: views.phones_document(site.node.name, shown),
    )


def _show(dialog: Dialog, site: Site, state: str, node: str, page: str) -> None:
    if node == "all" or node.isdecimal():
        node, page = "", node
    number = _page(page)
    with dialog.working(lambda: "Asking the nodes what they serve..."):
        shown = services.phones_by_state(
            site, services.phone_state(state), node, number
        )
    dialog.result(
        lambda: views.phones_lines(shown),
        lambda: views.phones_document(site.node.name, shown),
    )


def _page(word: str) -> int:
    if word == "all":
        return 0
    if word and (not word.isdecimal() or len(word) > 9 or not int(word)):
        raise UsageError("page must be a number from 1 on, or all")
    return int(word or 1)
