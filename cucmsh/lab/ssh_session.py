"""One SSH channel joined to one process, until both have ended.

A client that stops reading holds up its own process and nobody else: output waits in
the terminal or the pipe, and what is kept in memory is a few blocks a stream. The
channel is closed only after the output is sent, and the exit status before that.

The end of the client's input closes a pipe; on a terminal it is typed as Ctrl-D, so
that what was typed ahead of it still runs (OpenSSH drops it). A client that goes away
hangs the process up. Refused, with one line on standard error and status 1: the shell
or the command that the account does not have.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import asyncssh

from cucmsh.errors import RefusedError
from cucmsh.lab.accounts import Account
from cucmsh.lab.terminal import (
    Child,
    Streams,
    Window,
    start_on_pipes,
    start_on_terminal,
)

_BLOCK = 32768
_LAST_LOOK = 0.05  # seconds for bytes under way inside the kernel's terminal
_CTRL_D = b"\x04"
_TERM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")


class Session(asyncssh.SSHServerSession[bytes]):
    """A shell or command of an account. asyncssh calls it; it ends by itself.

    Args:
        account: who has logged in.
        environment: what the process gets; TERM is added on a terminal.

    Attributes:
        is_open: the channel or the process has not ended.
    """

    def __init__(self, account: Account, environment: Mapping[str, str]) -> None:
        self.is_open = True
        self._account = account
        self._environment = dict(environment)
        self._window: Window | None = None
        self._words: Callable[[], Sequence[str]] = tuple
        self._process: tuple[Child, Streams] | None = None
        self._work: asyncio.Task[None] | None = None
        self._input = bytearray()
        self._has_input_ended = self._discards_input = False
        self._input_changed = asyncio.Event()
        self._may_send = asyncio.Event()
        self._may_send.set()

    async def wait_ended(self) -> None:
        """Wait until the process has been reaped; it ends when the channel has."""
        if self._work is not None:
            await asyncio.wait([self._work])

    # What the client asks for

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.is_open = self._work is not None and not self._work.done()
        self._may_send.set()
        if self._process is not None:
            self._process[0].hang_up()

    def pty_requested(
        self,
        term_type: str,
        term_size: tuple[int, int, int, int],
        term_modes: Mapping[int, int],
    ) -> bool:
        del term_modes
        known = term_type if _TERM.fullmatch(term_type) else "dumb"
        self._environment["TERM"] = known
        self._window = Window(rows=term_size[1], columns=term_size[0])
        return True

    def terminal_size_changed(
        self, width: int, height: int, pixwidth: int, pixheight: int
    ) -> None:
        del pixwidth, pixheight
        if self._window is not None:
            self._window = Window(rows=height, columns=width)
            if self._process is not None:
                self._process[1].resize(self._window)

    def shell_requested(self) -> bool:
        self._words = self._shell
        return True

    def exec_requested(self, command: str) -> bool:
        self._words = lambda: self._command(command)
        return True

    def session_started(self) -> None:
        self._work = asyncio.get_running_loop().create_task(self._run())

    # What the client sends, and may be sent

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        del datatype
        if not self._discards_input:
            self._input += data
            self._input_changed.set()
            if len(self._input) >= _BLOCK:
                self._channel.pause_reading()

    def eof_received(self) -> bool:
        self._has_input_ended = True
        self._input_changed.set()
        return True  # the other direction stays open

    def pause_writing(self) -> None:
        self._may_send.clear()

    def resume_writing(self) -> None:
        self._may_send.set()

    # The process

    def _shell(self) -> Sequence[str]:
        if self._account.shell is None:
            raise RefusedError("This account has no shell.")
        return self._account.shell

    def _command(self, command: str) -> Sequence[str]:
        if self._account.execute is None:
            raise RefusedError("This account runs no commands.")
        return self._account.execute(command)

    async def _run(self) -> None:
        try:
            self._process = self._launch()
        except RefusedError as error:
            self._say_and_close(error.message, 1)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            self._say_and_close(f"The command cannot run: {reason}.", 127)
        else:
            await self._carry(*self._process)
        self.is_open = False

    def _launch(self) -> tuple[Child, Streams]:
        if self._window is None:
            return start_on_pipes(self._words(), self._environment)
        return start_on_terminal(self._words(), self._environment, self._window)

    def _say_and_close(self, line: str, status: int) -> None:
        with contextlib.suppress(OSError):  # the client is gone
            self._channel.write_stderr(f"{line}\r\n".encode())
        self._channel.exit(status)

    async def _carry(self, child: Child, streams: Streams) -> None:
        ended = asyncio.create_task(child.wait())
        taking = asyncio.create_task(self._copy_in(streams))
        sending = [self._copy_out(streams.stdout, None, ended)]
        if streams.stderr is not None:
            error = asyncssh.EXTENDED_DATA_STDERR
            sending.append(self._copy_out(streams.stderr, error, ended))
        await asyncio.gather(*sending)
        status = await ended
        taking.cancel()
        await asyncio.wait([taking])
        self._process = None
        streams.close()
        self._channel.exit(status)

    async def _copy_out(
        self, source: int, kind: asyncssh.DataType, ended: asyncio.Task[int]
    ) -> None:
        """Send what ``source`` gives until its end, or until the process has ended."""
        while True:
            await self._may_send.wait()
            look = asyncio.create_task(_ready(source))
            either: list[asyncio.Task[Any]] = [look, ended]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not look.done():
                await asyncio.wait([look], timeout=_LAST_LOOK)
            if not look.done():
                look.cancel()
                return
            try:
                block = os.read(source, _BLOCK)
                if not block:
                    return
                self._channel.write(block, kind)
            except BlockingIOError:
                continue
            except OSError:  # a terminal's end (EIO), or the channel's
                return

    async def _copy_in(self, streams: Streams) -> None:
        """Give the client's input to the process, and its end."""
        target = streams.stdin
        while self._input or not self._has_input_ended:
            self._input_changed.clear()
            if not self._input:
                await self._input_changed.wait()
                continue
            await _ready(target, for_writing=True)
            try:
                del self._input[: os.write(target, self._input[:_BLOCK])]
            except BlockingIOError:
                continue
            except OSError:  # it takes no more: what comes is for nobody
                self._discards_input = True
                self._input.clear()
            if len(self._input) < _BLOCK:
                self._channel.resume_reading()
        if not streams.is_terminal:
            streams.close_stdin()
        elif not self._discards_input and not self._channel.is_closing():
            await _ready(target, for_writing=True)
            with contextlib.suppress(OSError):
                os.write(target, _CTRL_D)


async def _ready(descriptor: int, *, for_writing: bool = False) -> None:
    """Wait until it can be read, or written."""
    loop = asyncio.get_running_loop()
    there = loop.create_future()

    def notice() -> None:
        if not there.done():
            there.set_result(None)

    if for_writing:
        loop.add_writer(descriptor, notice)
    else:
        loop.add_reader(descriptor, notice)
    try:
        await there
    finally:
        if for_writing:
            loop.remove_writer(descriptor)
        else:
            loop.remove_reader(descriptor)
