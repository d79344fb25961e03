"""The dialog of a session: writes to its screen, asks through its reader.

The only part of the shell that a command is given.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Event, Thread
from time import sleep

from cucmsh.errors import CancelledError
from cucmsh.secret import Secret
from cucmsh.shell.dialog import CONTROL_C, CommandSession, SafePoint
from cucmsh.shell.json_result import JsonResult
from cucmsh.shell.reader import Reader
from cucmsh.shell.screen import Screen, visible
from cucmsh.shell.signals import deferred_interrupts
from cucmsh.shell.viewer import view

WAITING = ": a change is under way; waiting for its next safe point."
_NEXT_SECONDS = 10.0
PROGRAM_COLUMNS = 80  # whatever size its terminal was given


class TerminalDialog:
    """What a command may do to the terminal; see the `Dialog` protocol.

    Attributes:
        progress_after_seconds: when `working` says its first line, for the command that
            runs now; None: never.
        json: takes the result of a command in place of the screen; None: text is shown.
        said: the last lines that a change said, for the audit log if its output is not
            read; None: they are not kept.
        has_begun: the command that runs now has entered `uninterrupted`.
    """

    def __init__(
        self, screen: Screen, reader: Reader, session: CommandSession, *, helpful: bool
    ) -> None:
        self._screen = screen
        self._reader = reader
        self.session = session
        self.helpful = helpful
        self.progress_after_seconds: float | None = None
        self._is_asking = False
        self.json: JsonResult | None = None
        self.said: deque[str] | None = None
        self.has_begun = False

    def say(self, text: str = "") -> None:
        self._keep(text)
        self._screen.say(text)

    def write(self, text: str) -> None:
        self._keep(text)
        self._screen.write(text)

    def result(
        self,
        lines: Callable[[], Iterable[str]],
        document: Callable[[], Mapping[str, object]],
    ) -> None:
        if self.json is not None:
            self.json.take(document())
            if self.said is not None:
                self.said.extend(lines())
            return
        for line in lines():
            self.say(line)

    @property
    def columns(self) -> int:
        if self.session.is_person and self._reader.is_terminal:
            return self._reader.size().columns
        return PROGRAM_COLUMNS

    def view(
        self, text: str, document: Callable[[], Mapping[str, object]] | None = None
    ) -> None:
        if self.json is not None and document is not None:
            self.json.take(document())
            return
        lines = [visible(line) for line in text.removesuffix("\n").split("\n")]
        if not self._reader.is_terminal:
            if text:
                self._screen.say("\n".join(lines))
            return

        with self._asking():
            view(lines if text else [], self._screen.send, self._reader.wait_for_key)

    def ask(self, question: str) -> str:
        with self._asking():
            return self._reader.ask(question)

    def ask_secret(self, question: str, mask: str = "") -> Secret:
        with self._asking():
            return self._reader.ask_secret(question, mask)

    def ask_key(self, question: str, keys: str, again: str) -> str:
        with self._asking():
            return self._reader.ask_key(question, keys, again)

    def ask_again(self, question: str, reason: str) -> None:
        self._reader.ask_again(question, reason)
        if self.helpful:
            self._screen.say(reason)

    @contextmanager
    def uninterrupted(self) -> Iterator[SafePoint]:
        self.has_begun = True

        def tell() -> None:
            self._tell(f"{CONTROL_C}{WAITING}" if self.helpful else CONTROL_C)

        pager, self._screen.pager = self._screen.pager, None
        try:
            with deferred_interrupts(tell) as pressed:

                def safe_point() -> None:
                    if pressed:
                        raise CancelledError("Nothing was changed.")

                yield safe_point
        finally:
            self._screen.pager = pager
            if pager is not None:
                pager.restart()

    @contextmanager
    def following(self) -> Iterator[Callable[[float], bool]]:
        pager, self._screen.pager = self._screen.pager, None

        def wait(seconds: float) -> bool:
            sleep(seconds)
            return self._screen.has_reader() and not self._reader.keyboard.has_ended

        try:
            yield wait
        finally:
            self._screen.pager = pager
            if pager is not None:
                pager.restart()

    def working(self, what: Callable[[], str]) -> AbstractContextManager[None]:
        first = self.progress_after_seconds
        if first is None or not self.helpful:
            return nullcontext()

        def tell() -> None:
            if not self._is_asking:  # then it is the person who takes long
                self._tell(what())

        return progress(tell, first)

    def _keep(self, text: str) -> None:
        if self.said is not None:
            self.said.extend(line for line in text.split("\n") if line)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        self._is_asking = True
        try:
            yield
        finally:
            self._is_asking = False

    def _tell(self, text: str) -> None:
        """Say it whatever else is being said: from a signal, or another thread."""
        start = "" if self._screen.is_at_line_start else "\n"
        self._screen.question(f"{start}{text}\n")


@contextmanager
def progress(
    tell: Callable[[], None], first: float, following: float = _NEXT_SECONDS
) -> Iterator[None]:
    """Call `tell` after `first` seconds of the block, and then every `following` ones.

    It is called in a thread, for the block may be waiting for the network; and never
    after the block.
    """
    is_over = Event()

    def watch() -> None:
        seconds = first
        while not is_over.wait(seconds):
            tell()
            seconds = following

    watcher = Thread(target=watch, daemon=True)
    try:
        watcher.start()
    except (RuntimeError, MemoryError):  # no thread is left: no line is said
        yield
        return
    try:
        yield
    finally:
        is_over.set()
        watcher.join()
