"""What a reset shows, in the words of each release. Holds no command."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from commands.questions import require_yes, say_holders
from cucmsh import services, views
from cucmsh.errors import WrongPasswordError
from cucmsh.release import CALL_MANAGER, ITL_RECOVERY, ResetWords
from cucmsh.secret import Secret
from cucmsh.services.outcome import Report
from cucmsh.services.site import Site
from cucmsh.shell.answers import open_by_own_password
from cucmsh.shell.dialog import Dialog, SafePoint

TRANSFERRING = (
    "Transferring new reset ITL file to the TFTP server nodes in the cluster{}\n"
)
TRANSFERRED = "Successfully transferred reset ITL to node"


class ResetScreen:
    """A ``ResetDialog`` in the words of release 10.0.

    Args:
        dialog: where it is shown.
        site: this publisher.
        host: the backup server, where the key came from one.
    """

    def __init__(self, dialog: Dialog, site: Site, host: str = "") -> None:
        self._dialog = dialog
        self._site = site
        self._host = host

    def fetching(self) -> AbstractContextManager[None]:
        return self._dialog.working(lambda: f"Waiting for {self._host}...")

    def own_password(
        self,
        refusal: WrongPasswordError,
        open_with: Callable[[Secret], services.ImportedKey],
    ) -> services.ImportedKey:
        return open_by_own_password(self._dialog, refusal, open_with)

    def ccm_password(self) -> Secret:
        if self._host:
            self._dialog.say()
        return self._dialog.ask_secret("Enter CCM Administrator password :")

    def planning(self, signed: Callable[[], object]) -> None:
        """Nothing is told: the nodes are looked at meanwhile."""

    def looking(self) -> AbstractContextManager[None]:
        self._dialog.say("\nLocating active Tftp servers in the cluster....\n")
        return self._looking()

    def _looking(self) -> AbstractContextManager[None]:
        return self._dialog.working(
            lambda: "Still looking: not every node answers at once..."
        )

    def located(self, nodes: Sequence[services.NodeStatus]) -> None:
        dialog = self._dialog
        dialog.say("Following is the list of Active tftp servers in the cluster\n")
        self._say_active([entry.node.name for entry in nodes if entry.is_active])
        self._say_inactive(nodes)

    def _say_active(self, names: Sequence[str]) -> None:
        self._dialog.say(repr(names))

    def _say_inactive(self, nodes: Sequence[services.NodeStatus]) -> None:
        dialog = self._dialog
        for entry in nodes:
            if dialog.helpful and not entry.is_active:
                reason = entry.problem or "its TFTP service is stopped"
                dialog.say(f"Not active: {entry.node.name} ({reason})")

    def agree(self, plan: services.ResetPlan) -> None:
        """Show what is unusual; helpful sessions go on only after a typed yes."""
        say_holders(self._dialog, self._site)
        if self._dialog.helpful:
            for line in plan.warnings:
                self._dialog.say(line)
        for question in plan.questions:
            self._dialog.say("\n".join(question.lines))
            if self._dialog.helpful:
                require_yes(self._dialog, "Do you want to continue (yes/no)? ")
        lost = services.locked_out_by_reset(self._site, plan)
        for line in views.lock_out_lines(lost):
            self._dialog.say(line)
        if lost:
            require_yes(self._dialog, "Do you want to continue (yes/no)? ")

    @contextmanager
    def changing(self, names: Sequence[str]) -> Iterator[services.Progress]:
        dialog, left = self._dialog, list(names)
        self._say_changing()
        with (
            dialog.uninterrupted() as safe_point,
            dialog.working(lambda: f"Waiting for {', '.join(left)}..."),
        ):
            yield self._progress(left, safe_point)

    def _say_changing(self) -> None:
        self._dialog.say("The reset ITL file was generated successfully\n")
        self._dialog.say(TRANSFERRING.format("....."))

    def _progress(self, left: list[str], safe_point: SafePoint) -> services.Progress:
        """Say each step; take the nodes that are done out of those that are left."""

        def show(step: services.Step, text: str) -> None:
            if step is services.Step.READY:
                safe_point()
            elif step is services.Step.SETTLED:
                left.remove(text)
            elif step is services.Step.FAILED:
                self._dialog.say(text)
            else:
                self._say_step(step, text)

        return show

    def _say_step(self, step: services.Step, name: str) -> None:
        if step is services.Step.RESTARTING:
            self._dialog.say(f"Restarting Cisco Tftp service on host {name}")
        elif step is services.Step.RESTARTED:
            self._dialog.say(f"Cisco Tftp service restarted on host {name}")
        else:
            self._dialog.say(f"{TRANSFERRED} {name}\n")

    def ended(self, report: Report) -> list[str]:
        """The lines of the end."""
        return views.report_lines(report)


class _Boxed(ResetScreen):
    """In the words of 12.5: the list is made first, and no restart is told."""

    def __init__(self, dialog: Dialog, site: Site, host: str = "") -> None:
        super().__init__(dialog, site, host)
        self._told: set[str] = set()

    def planning(self, signed: Callable[[], object]) -> None:
        self._dialog.say("\nGenerating the reset ITL file.....\n")
        signed()
        self._dialog.say("The reset ITL file was generated successfully\n")

    def looking(self) -> AbstractContextManager[None]:
        self._dialog.say("Locating active Tftp servers in the cluster.....\n")
        return self._looking()

    def _say_active(self, names: Sequence[str]) -> None:
        for line in ("=" * 20, "\n".join(names), "=" * 21):
            self._dialog.say(f"{line}\n")
        self._dialog.say(
            f"Number of Active TFTP servers in the cluster : {len(names)}\n"
        )

    def _say_changing(self) -> None:
        self._dialog.say(TRANSFERRING.format("........."))

    def _say_step(self, step: services.Step, name: str) -> None:
        """The publisher's own list is in place when its service has given it back."""
        if step is not services.Step.RESTARTING and name not in self._told:
            self._told.add(name)
            self._dialog.say(f"{TRANSFERRED} {name}")


class _Short(ResetScreen):
    """In the words of 15: no server is named unless something is wrong with it."""

    def planning(self, signed: Callable[[], object]) -> None:
        signed()
        unit = ITL_RECOVERY if self._host else CALL_MANAGER
        self._dialog.say(
            "ITLFile on all the active TFTP nodes will be reset now\n"
            f"and signed using {unit} certificate key..."
        )

    def looking(self) -> AbstractContextManager[None]:
        return self._looking()

    def located(self, nodes: Sequence[services.NodeStatus]) -> None:
        self._say_inactive(nodes)

    def _say_changing(self) -> None:
        """Said before: the list is made."""

    def _say_step(self, step: services.Step, name: str) -> None:
        """Nothing: what is not done is told at the end."""

    def ended(self, report: Report) -> list[str]:
        done = [
            "ITL file Reset.",
            "Please reset all the phones to pickup the new ITL File.",
        ]
        return [*([] if report.pending else done), *super().ended(report)]


_SCREENS = {
    ResetWords.AS_A_LIST: ResetScreen,
    ResetWords.IN_A_BOX: _Boxed,
    ResetWords.IN_FOUR_LINES: _Short,
}


def reset_screen(dialog: Dialog, site: Site, host: str = "") -> ResetScreen:
    """What a reset on this publisher shows, by its release; see ``ResetScreen``."""
    return _SCREENS[site.settings.profile.reset_words](dialog, site, host)
