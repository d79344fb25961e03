"""A running lab is asked by a command of this pack.

What that takes (sockets, the lab's failures) is imported when a command runs, not when
the pack is: every session of a lab's node imports the pack before its first prompt.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from cucmsh.services.site import Site


def ask(site: Site, verb: str, **values: object) -> dict[str, Any]:
    """What the lab of that node answers: ``cucmsh.lab.desk.ask``.

    Raises:
        RefusedError: this is no lab's node.
        ServiceError: the lab does not run, or does not answer.
        CucmshError: what it says is wrong.
    """
    desk = import_module("cucmsh.lab.desk")
    return dict(desk.ask(site.settings.lab, verb, **values))
