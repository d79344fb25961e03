"""``cucmsh web``: the administrator's page, until it is stopped."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from cucmsh.app import admit_to_page, open_own_site
from cucmsh.cli.options import Parser
from cucmsh.errors import UsageError


def web_parser() -> Parser:
    """What ``web`` takes: nothing."""
    return Parser(
        "[--config FILE] web",
        "Serve this node's page: certificates, who trusts what, alarms and phones, "
        "with the accounts and the guard of the prompt. [web] in the configuration "
        "says where it listens, and whether it may change anything.",
        "Exit status: 0 stopped, 1 it cannot run.",
    )


def run(configuration: str, argv: Sequence[str]) -> int:
    """Serve; returns the exit status once it was stopped.

    Raises:
        CucmshError: see ``cucmsh.web.server.serve``.
    """
    web_parser().read(argv)
    try:
        from cucmsh.web.server import serve  # noqa: PLC0415 - a web server
    except ImportError as problem:
        raise UsageError(
            f"The page needs what is not installed here: {problem.name}",
            "Install cucmsh with its extra `web`.",
        ) from problem
    serve(partial(open_own_site, configuration), admit_to_page)
    return 0
