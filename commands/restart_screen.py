"""The start of a service, as other commands show it, too. Holds no command."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from cucmsh.shell.dialog import Dialog


class AfterStart:
    """The part of a ``ServiceDialog`` that every layout shares.

    Args:
        dialog: where it is shown.
        name: of the service.
    """

    def __init__(self, dialog: Dialog, name: str) -> None:
        self._dialog = dialog
        self._name = name

    def still_kept(self) -> None:
        if self._dialog.helpful:
            self._dialog.say(
                f"The reset ITL is in place, but {self._name} did not give it back; "
                "every start keeps it until it does."
            )

    def bringing(self, names: Sequence[str]) -> AbstractContextManager[None]:
        return self._dialog.working(lambda: f"Waiting for {', '.join(names)}...")


class RestartScreen(AfterStart):
    """A ``ServiceDialog`` in the words of a reset."""

    def __init__(self, dialog: Dialog, name: str, host: str) -> None:
        super().__init__(dialog, name)
        self._host = host

    def accepted(self) -> None:
        self._dialog.say(f"\nRestarting {self._name} service on host {self._host}")

    def changing(self) -> AbstractContextManager[object]:
        return nullcontext()  # all of the command is

    def waiting(self) -> AbstractContextManager[None]:
        return self._dialog.working(lambda: f"Waiting for {self._name}...")

    def done(self) -> None:
        self._dialog.say(f"{self._name} service restarted on host {self._host}")
