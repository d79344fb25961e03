"""One SSH channel joined to one process, until both have ended.

Three or four threads carry the bytes, so that a client which stops reading holds up
its own process and nobody else. Output waits in the terminal or the pipe, never here:
what is kept in memory is one block a stream. The channel is closed only after the
output is sent, and the exit status before that.

The end of the client's input closes a pipe; on a terminal it is typed as Ctrl-D, so
that what was typed ahead of it still runs (OpenSSH drops it). A client that goes away
hangs the process up.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Callable

import paramiko

from cucmsh.errors import RefusedError
from cucmsh.lab.terminal import Child, Streams, Window

_BLOCK = 32768
_LAST_LOOK = 50  # milliseconds for bytes under way inside the kernel's terminal
_REPLY_GRACE = 0.2  # seconds, for clients that want no reply to their request
_CTRL_D = b"\x04"
_GONE = (OSError, EOFError, paramiko.SSHException)  # the channel is no more

Launch = Callable[[], tuple[Child, Streams]]


class Session(threading.Thread):
    """A process on a channel. Starts when ``replied`` is set, ends by itself.

    Args:
        channel: the session channel whose request is being answered.
        launch: starts the process; may raise OSError or ValueError (status 127), or
            RefusedError (status 1); the client gets one line on standard error.
    """

    def __init__(self, channel: paramiko.Channel, launch: Launch) -> None:
        super().__init__(name=f"ssh-session-{channel.get_id()}", daemon=True)
        self.replied = threading.Event()
        self._channel = channel
        self._launch = launch
        self._lock = threading.Lock()
        self._streams: Streams | None = None
        self._window: Window | None = None  # the newest one

    def resize(self, window: Window) -> bool:
        """Tell the process the new size of its terminal, if it has one."""
        with self._lock:
            self._window = window
            return self._apply_window()

    def run(self) -> None:
        # Data or a close that overtakes the reply would break clients.
        self.replied.wait(_REPLY_GRACE)
        try:
            child, streams = self._launch()
        except RefusedError as error:
            self._say_and_close(error.message, 1)
            return
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            self._say_and_close(f"The command cannot run: {reason}.", 127)
            return
        with self._lock:
            self._streams = streams
            self._apply_window()
        try:
            self._carry(child, streams)
        finally:
            with self._lock:
                self._streams = None
            os.close(streams.stdout)

    def _apply_window(self) -> bool:
        if self._window is None or self._streams is None:
            return False
        if self._streams.is_terminal:
            self._streams.resize(self._window)
        return self._streams.is_terminal

    def _carry(self, child: Child, streams: Streams) -> None:
        ended = os.eventfd(0, os.EFD_CLOEXEC)
        channel = self._channel
        outputs = [self._pump(_copy_out, streams.stdout, channel.sendall, ended)]
        if streams.stderr is not None:
            send = channel.sendall_stderr
            outputs.append(self._pump(_copy_out, streams.stderr, send, ended))
        inputs = self._pump(_copy_in, channel, streams, ended, child)
        status = child.wait()
        os.eventfd_write(ended, 1)
        for output in outputs:
            output.join()
        _close(channel, status)
        inputs.join()
        if streams.stderr is not None:
            os.close(streams.stderr)
        os.close(ended)

    def _say_and_close(self, line: str, status: int) -> None:
        with contextlib.suppress(*_GONE):
            self._channel.sendall_stderr(f"{line}\r\n".encode())
        _close(self._channel, status)

    def _pump(self, copy: Callable[..., None], *arguments: object) -> threading.Thread:
        name = f"{self.name}{copy.__name__}"
        pump = threading.Thread(target=copy, args=arguments, name=name, daemon=True)
        pump.start()
        return pump


def _close(channel: paramiko.Channel, status: int) -> None:
    with contextlib.suppress(*_GONE):
        channel.send_exit_status(status)
    with contextlib.suppress(*_GONE):
        channel.close()


def _copy_out(source: int, send: Callable[[bytes], None], ended: int) -> None:
    """Send what ``source`` gives until its end, or until the process has ended."""
    both, alone = select.poll(), select.poll()
    both.register(source, select.POLLIN)
    both.register(ended, select.POLLIN)
    alone.register(source, select.POLLIN)
    while True:
        ready = {descriptor for descriptor, _ in both.poll()}
        if source not in ready and not alone.poll(_LAST_LOOK):
            return
        try:
            block = os.read(source, _BLOCK)
            if not block:
                return
            send(block)
        except _GONE:  # a terminal's end is an error, EIO
            return


def _copy_in(
    channel: paramiko.Channel, streams: Streams, ended: int, child: Child
) -> None:
    """Give the client's input to the process; hang it up when the channel closes."""
    taking = True
    while block := _received(channel):
        taking = taking and _write(streams.stdin, block, channel, ended)
    if streams.is_terminal:
        if taking and not channel.closed:
            _write(streams.stdin, _CTRL_D, channel, ended)
    else:
        os.close(streams.stdin)
    channel.recv_exit_status()  # on our side of a channel: waits until it is closed
    child.hang_up()


def _received(channel: paramiko.Channel) -> bytes:
    """The client's next bytes; none at their end, or when the client is gone.

    To take bytes is to confirm some of them, which a lost line refuses.
    """
    try:
        return channel.recv(_BLOCK)
    except _GONE:
        return b""


def _write(target: int, block: bytes, channel: paramiko.Channel, ended: int) -> bool:
    """Write the whole block; False when the process or the client went before."""
    waiting = select.poll()
    waiting.register(target, select.POLLOUT)
    waiting.register(ended, select.POLLIN)
    while block:
        ready = {descriptor for descriptor, _ in waiting.poll(200)}
        if ended in ready or channel.closed:
            return False
        if target not in ready:
            continue
        try:
            block = block[os.write(target, block) :]
        except BlockingIOError:
            continue
        except OSError:
            return False
    return True
