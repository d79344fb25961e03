"""The release of the cluster: who signs the lists of its nodes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from commands.questions import require_yes, say_holders
from commands.restart_screen import RestartScreen
from cucmsh import services, views
from cucmsh.release import RELEASES, profile_of
from cucmsh.services.site import Site
from cucmsh.shell.command import FAILED, command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import NAME


def releases(_: Site) -> list[str]:
    """The releases, for completion."""
    return [*RELEASES]


@command(
    "set release <release>",
    of=lambda: services.set_release,
    candidates={"release": releases},
    kinds={"release": NAME},
    has_json=True,
)
def set_release(dialog: Dialog, site: Site, release: str) -> int:
    """Give this cluster another release: who signs the lists of its nodes.

    Every node is asked what it would serve then and who takes that, as `utils itl
    preview release` shows it. After a typed `yes` the configuration of each member
    changes, and Cisco Tftp restarts on each of them. Run again, it finishes what was
    interrupted.

    release: 10.0, 12.5 or 15

    Example:
    set release 12.5
    """
    done = services.set_release(site, release, _OnScreen(dialog, site, release))
    if not done.is_done:
        dialog.say(FAILED)
    dialog.result(
        lambda: views.release_changed_lines(done),
        lambda: views.release_changed_document(site.node.name, done),
    )
    return 0 if done.is_done else 3


@command(
    "utils itl preview release <release>",
    candidates={"release": releases},
    kinds={"release": NAME},
    has_json=True,
)
def utils_itl_preview_release(dialog: Dialog, site: Site, release: str) -> int:
    """Show which phones would take the ITLs of all nodes under another release.

    Each member is asked what it would serve after `set release`, and which lists its
    phones may hold.

    release: 10.0, 12.5 or 15

    Example:
    utils itl preview release 12.5
    """
    with dialog.working(lambda: "Asking each node what it would serve..."):
        found = services.preview_release(site, release)
    dialog.result(
        lambda: views.release_preview_lines(found),
        lambda: views.release_preview_document(site.node.name, found),
    )
    return 1 if found.is_locking_out else 0


class _OnScreen:
    """A ``ReleaseDialog``; all of its words are ours.

    Args:
        dialog: where it is shown.
        site: this node.
        release: the one to be.
    """

    def __init__(self, dialog: Dialog, site: Site, release: str) -> None:
        self._dialog = dialog
        self._site = site
        self._release = release

    def planning(self) -> AbstractContextManager[None]:
        return self._dialog.working(lambda: "Asking each node what it would serve...")

    def agree(self, found: services.ReleasePreview, restarts: Sequence[str]) -> None:
        dialog, profile = self._dialog, profile_of(self._release)
        who = "the publisher's" if profile.publisher_signs else "each node's own"
        dialog.say(
            f"Under release {profile.release} {who} {profile.signer} key signs lists."
        )
        say_holders(dialog, self._site)
        for line in views.release_preview_lines(found):
            dialog.say(line)
        dialog.say(f"\nCisco Tftp restarts on {', '.join(restarts)}, if it runs there.")
        require_yes(dialog, "Do you want to continue (yes/no)? ")

    def changing(self) -> AbstractContextManager[object]:
        return self._dialog.uninterrupted()

    def telling(self, names: Sequence[str]) -> AbstractContextManager[None]:
        return self._dialog.working(lambda: f"Telling {', '.join(names)}...")

    def service(self, name: str) -> RestartScreen:
        return RestartScreen(self._dialog, name, self._site.node.name)

    def restarting(self, names: Sequence[str]) -> AbstractContextManager[None]:
        return self._dialog.working(
            lambda: f"Restarting Cisco Tftp on {', '.join(names)}..."
        )
