"""Asks a TVS one question: as a phone does, one connection for each."""

from __future__ import annotations

from collections.abc import Callable

from cucmsh.tvs.codec import Answer, Request

TIMEOUT = 5.0  # seconds, for connecting, the handshake and the answer together


def ask(  # noqa: PLR0913 - where, what, and what is allowed
    host: str,
    port: int,
    request: Request,
    *,
    trust: Callable[[bytes], bool],
    timeout_seconds: float = TIMEOUT,
    is_old: bool = False,
) -> Answer:
    """The answer of one TVS.

    Args:
        host: where it listens.
        port: likewise.
        request: the question.
        trust: is given the server's certificate (DER) before anything is asked, and
            says whether it is the TVS of the list that is held.
        timeout_seconds: for all of it.
        is_old: speak TLS 1.0 and nothing newer, as 79xx and 894x phones do.

    Raises:
        TvsError: there is no answer, or none that can be used; it says why.
    """
    raise NotImplementedError


async def ask_async(  # noqa: PLR0913 - the same
    host: str,
    port: int,
    request: Request,
    *,
    trust: Callable[[bytes], bool],
    timeout_seconds: float = TIMEOUT,
    is_old: bool = False,
) -> Answer:
    """The same as ``ask``, for many phones in one loop.

    Raises:
        TvsError: there is no answer, or none that can be used; it says why.
    """
    raise NotImplementedError
