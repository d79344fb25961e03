"""``cucmsh tvs``: answers phones that do not know a signer, until it is stopped."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from cucmsh.app import open_own_site
from cucmsh.cli.options import Parser
from cucmsh.services.caller import Caller, Unrecorded, WayIn
from cucmsh.services.tvs.serve import serve
from cucmsh.shell.screen import Screen


def tvs_parser() -> Parser:
    """What ``tvs`` takes: nothing."""
    return Parser(
        "[--config FILE] tvs",
        "Run this node's Trust Verification Service until SIGTERM or SIGINT: phones "
        "ask it about a signer or a peer that their trust list does not name. What it "
        "answers from, and its own certificate, are read again when they change. A "
        "line on standard error names each connection that failed.",
        "Exit status: 0 stopped, 1 it cannot run.",
    )


def run(configuration: str, argv: Sequence[str]) -> int:
    """Serve; returns the exit status once it was stopped.

    Raises:
        CucmshError: see ``services.tvs.serve.serve``.
    """
    tvs_parser().read(argv)
    # Files are looked at before every answer, so there is nothing to be read anew.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    site = open_own_site(configuration)
    # Nobody's command: what phones ask is no line of the audit log.
    serve(site.called_by(Caller(WayIn.HOOK), Unrecorded()), Screen(2).say)
    return 0
