"""Where a running lab is asked: a socket in its directory, a line of JSON each way.

The request is ``{"verb": NAME, ...}``, the answer ``{"result": {...}}`` or ``{"error":
{"kind", "message", "advice"}}``. One request at a time, by the lab's own process. The
socket is the owner's alone, as all of the directory is.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cucmsh.errors import (
    BusyError,
    CucmshError,
    MissingFileError,
    RefusedError,
    ServiceError,
    StoreError,
    UsageError,
)
from cucmsh.lab.unix_socket import bound, connected
from cucmsh.layout import LAB_DESK

ANSWER_SECONDS = 90  # a node that is begun again composes first
READ_SECONDS = 5.0
MOST_BYTES = 1 << 16

if TYPE_CHECKING:
    from pathlib import Path  # which loads urllib; the prompt of a lab asks, too

Answer = Callable[[Mapping[str, Any]], Mapping[str, object]]


class Desk:
    """Listens until ``close``; ``serve`` answers.

    Args:
        root: the lab's directory.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / LAB_DESK
        self._listener = bound(str(self._path))
        self._listener.listen(16)

    @property
    def descriptor(self) -> int:
        """For children, which must not hold it."""
        return self._listener.fileno()

    def serve(self, until: Sequence[int], answer: Answer) -> None:
        """Answer one request after the other, until one of the descriptors is ready."""
        watched = [self._listener.fileno(), *until]
        while True:
            ready = select.select(watched, [], [])[0]
            if any(descriptor in until for descriptor in ready):
                return
            with contextlib.suppress(OSError):
                asking, _ = self._listener.accept()
                with asking:
                    _attend(asking, answer)

    def close(self) -> None:
        """Nobody can ask any more."""
        self._listener.close()
        self._path.unlink(missing_ok=True)


def ask(root: str, verb: str, **values: object) -> dict[str, Any]:
    """What a running lab answers.

    Args:
        root: its directory; empty where there is none.
        verb: what is asked for.
        **values: what belongs to it.

    Raises:
        RefusedError: this is no lab's node.
        ServiceError: the lab does not run, or does not answer.
        CucmshError: what it says is wrong.
    """
    if not root:
        raise RefusedError("this is no node of a lab", "`cucmsh lab` makes one.")
    try:
        with connected(os.path.join(root, LAB_DESK), ANSWER_SECONDS) as asking:
            asking.sendall(json.dumps({"verb": verb, **values}).encode() + b"\n")
            raw = _read_line(asking)
        answer = json.loads(raw)
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it broke off"
        raise ServiceError(
            f"the lab in {root} does not answer: {why or problem}",
            "It ends with the shell, or the program, that began it.",
        ) from problem
    if "error" in answer:
        raise _error(answer["error"])
    return dict(answer["result"])


def _attend(asking: socket.socket, answer: Answer) -> None:
    asking.settimeout(READ_SECONDS)
    try:
        request = json.loads(_read_line(asking))
        if not isinstance(request, dict):
            raise ServiceError("a request is an object")
        said: dict[str, object] = {"result": answer(request)}
    except ValueError:
        said = {"error": _described(ServiceError("a request is a line of JSON"))}
    except CucmshError as problem:
        said = {"error": _described(problem)}
    asking.settimeout(READ_SECONDS)
    asking.sendall(json.dumps(said).encode() + b"\n")


def _read_line(asking: socket.socket) -> bytes:
    raw = b""
    while not raw.endswith(b"\n") and len(raw) < MOST_BYTES:
        piece = asking.recv(4096)
        if not piece:
            break
        raw += piece
    return raw


def _described(problem: CucmshError) -> dict[str, str]:
    return {
        "kind": problem.kind,
        "message": problem.message,
        "advice": problem.advice,
    }


def _error(said: Mapping[str, str]) -> CucmshError:
    """The error that the lab's process had, as one of ours."""
    kinds = {
        each.kind: each
        for each in (
            UsageError,
            RefusedError,
            BusyError,
            StoreError,
            MissingFileError,
        )
    }
    return kinds.get(said["kind"], ServiceError)(said["message"], said["advice"])
