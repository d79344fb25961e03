"""The audit log of this node, to be looked at: who did what, by which way."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from cucmsh.errors import MissingFileError
from cucmsh.layout import AUDIT_FILE
from cucmsh.services.caller import Privilege
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case


class SeenAudit(NamedTuple):
    """One line; see ``records.audit`` for what it says.

    Attributes:
        facts: of the line, by name; empty for one that cannot be read.
        line: as it is stored.
    """

    facts: dict[str, Any]
    line: str

    def text(self, *names: str) -> str:
        """The first of these facts that is there, as a text."""
        for name in names:
            value = self.facts.get(name)
            if isinstance(value, list):
                return " ".join(map(str, value))
            if value is not None:
                return str(value)
        return ""


@use_case("page audit", level=Privilege.ALL)
def seen_audit(site: Site) -> list[SeenAudit]:
    """The last mebibyte of it, the latest first; none where there is no log yet.

    Raises:
        StoreError: it cannot be read.
    """
    try:
        raw, before = site.home.read_end(AUDIT_FILE)
    except MissingFileError:
        return []
    if before:
        raw = raw[raw.find(b"\n") + 1 :]
    return list(_read(reversed(raw.decode(errors="replace").splitlines())))


def _read(lines: Iterable[str]) -> Iterable[SeenAudit]:
    for line in lines:
        if not line:
            continue
        try:
            facts = json.loads(line)
        except ValueError:
            facts = {}
        yield SeenAudit(facts if isinstance(facts, dict) else {}, line)
