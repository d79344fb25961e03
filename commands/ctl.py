"""The CTL of another tool: shown."""

from __future__ import annotations

from cucmsh import services, views
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog

# As seen (docs/cli.md#show).
NOT_FOUND = (
    "Length of CTL file: 0",
    (
        "CTL File not found. Please run CTLClient plugin or run the CLI - utils ctl.. "
        "to generate the CTL file."
    ),
    "Error parsing the CTL File.",
)


@command("show ctl", has_json=True)
def show_ctl(dialog: Dialog, site: Site) -> int:
    """Show the CTL in this node's TFTP directory, if another tool put one there.

    A phone that holds a CTL asks it before its ITL. cucmsh makes none.

    Example:
    show ctl
    """
    held = services.show_ctl(site)
    if held is None:
        missing = {"node": site.node.name, "length": 0}
        dialog.result(lambda: NOT_FOUND, lambda: missing)
        return 1
    modified = views.format_time(held.modified)
    dialog.result(
        lambda: views.show_trust_list(
            held.raw, held.trust_list, held.verdict, modified, kind="CTL"
        ),
        lambda: views.list_document(site.node.name, held, ()),
    )
    return 0 if held.verdict.is_valid else 1
