"""The socket to the lab's phones: a line of JSON in, a line of JSON out.

``ask`` is the asker's half, ``serve`` the phones'. The socket is its owner's alone
(0600). A line has at most ``LONGEST`` bytes; what is no JSON is answered as an error.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from cucmsh.errors import ServiceError
from cucmsh.lab.unix_socket import bound, connected

LONGEST = 64 << 10  # bytes of a request
IDLE_SECONDS = 60.0  # until a silent asker is closed
ANSWER_SECONDS = 600.0  # a thousand phones may start
_LARGEST_ANSWER = 256 << 20


def ask(path: Path, request: dict[str, Any]) -> dict[str, Any]:
    """What the phones answer; see ``Fleet.answer`` for requests and answers.

    Raises:
        ServiceError: nobody answers there, or the answer is an error of theirs.
    """
    try:
        answer = json.loads(_exchange(path, json.dumps(request).encode() + b"\n"))
    except FileNotFoundError as problem:
        raise ServiceError(
            "this lab has no phones", "Start the lab with `--phones N`."
        ) from problem
    except OSError as problem:
        raise ServiceError(
            f"the lab's phones do not answer: {problem.strerror}",
            "Start the lab again.",
        ) from problem
    except ValueError as problem:
        raise ServiceError("the lab's phones broke off") from problem
    if "error" in answer:
        raise ServiceError(answer["error"], answer.get("advice", ""))
    return dict(answer)


def _exchange(path: Path, line: bytes) -> bytes:
    with connected(str(path), ANSWER_SECONDS) as asking:
        asking.sendall(line)
        with asking.makefile("rb") as stream:
            return stream.readline(_LARGEST_ANSWER)


async def serve(
    path: Path, answer: Callable[[object], Awaitable[dict[str, Any]]]
) -> asyncio.Server:
    """Take requests until the server is closed; a socket that is left over is replaced.

    Raises:
        OSError: the socket cannot be made.
    """

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, TimeoutError, ValueError, asyncio.CancelledError):
                await _talk(reader, writer, answer)
        finally:
            writer.close()

    return await asyncio.start_unix_server(talk, sock=bound(str(path)), limit=LONGEST)


async def _talk(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    answer: Callable[[object], Awaitable[dict[str, Any]]],
) -> None:
    while True:
        line = await asyncio.wait_for(reader.readline(), IDLE_SECONDS)
        if not line:
            return
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            said: dict[str, Any] = {"error": "that is no JSON", "advice": ""}
        else:
            said = await answer(request)
        writer.write(json.dumps(said).encode() + b"\n")
        await writer.drain()
