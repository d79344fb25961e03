"""What takes its time: it runs in a thread, and a page shows how far it is.

A job goes on whatever becomes of the browser, and the server waits for it when it is
stopped. Lines are what the prompt would print.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from cucmsh.errors import CucmshError
from cucmsh.web.pages import Shown

MOST_LINES = 2000
WAIT_SECONDS = 10.0  # then somebody who follows is told that nothing is new


class Job:
    """One of them.

    Args:
        name: what it does, for a person.
        template: shows how it ended.

    Attributes:
        lines: what was told so far.
        shown: how it ended; None while it runs, and if it failed.
        problem: why it failed; None.
    """

    def __init__(self, name: str, template: str) -> None:
        self.name = name
        self.template = template
        self.lines: list[str] = []
        self.shown: Shown | None = None
        self.problem: CucmshError | None = None
        self._told = threading.Condition()

    @classmethod
    def done(cls, template: str, shown: Shown) -> Job:
        """What took no time."""
        job = cls("", template)
        job.shown = shown
        return job

    @property
    def is_running(self) -> bool:
        return self.shown is None and self.problem is None

    def tell(self, line: str) -> None:
        """One more line."""
        with self._told:
            if len(self.lines) < MOST_LINES:
                self.lines += line.strip("\n").split("\n")
            self._told.notify_all()

    def start(
        self,
        do: Callable[[Callable[[str], None]], Shown],
        on_broken: Callable[[BaseException], object],
    ) -> None:
        """Run it.

        Args:
            do: does it; is given ``tell``.
            on_broken: is told of an error that nobody foresaw.
        """

        def run() -> None:
            shown, problem = None, None
            try:
                shown = do(self.tell)
            except CucmshError as failure:
                problem = failure
            except Exception as failure:  # noqa: BLE001 - a person waits for an answer
                on_broken(failure)
                problem = CucmshError(f"It broke off: {type(failure).__name__}.")
            with self._told:
                self.shown, self.problem = shown, problem
                self._told.notify_all()

        threading.Thread(target=run, name=f"job {self.name}").start()

    def follow(self, seen: int) -> Iterator[tuple[int, str | None]]:
        """Each line from that number on, and its number; None where nothing is new."""
        while True:
            with self._told:
                if len(self.lines) <= seen and self.is_running:
                    self._told.wait(WAIT_SECONDS)
                fresh, is_running = self.lines[seen:], self.is_running
            for line in fresh:
                seen += 1
                yield seen, line
            if not is_running and len(self.lines) <= seen:
                return
            if not fresh:
                yield seen, None
