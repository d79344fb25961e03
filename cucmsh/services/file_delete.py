"""``file delete``: takes files away, but none that phones or the record need.

Never a key, the list that is served, the audit log, or the alarm log that is being
written; a ``CTLFile.tlv`` only after a question. What is refused is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from cucmsh.errors import CucmshError
from cucmsh.layout import (
    AUDIT_FILE,
    CISCO_SYSLOG,
    CTL_FILE,
    LIST_FILE,
    LOG_FOLDER,
    RECOVERY_NAME,
)
from cucmsh.services.file_areas import TFTP, Area, area_of, files_of
from cucmsh.services.lists.secret_files import secrets_of, why_kept
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

KEPT_LOGS = {
    AUDIT_FILE: "it is the record of who did what",
    CISCO_SYSLOG: "alarms are being written to it; its earlier files can be deleted",
}
KEPT_FILES = {
    RECOVERY_NAME: "it is the cluster's recovery key",
    LIST_FILE: "it is the list that phones fetch",
}


class DeleteDialog(Protocol):
    """Who wants files deleted."""

    def is_agreed(self, path: str) -> bool:
        """Whether this one is to be deleted."""

    def refused(self, path: str, why: str) -> None:
        """This one stays, and why."""


class Deleted(NamedTuple):
    """How many files matched, and how many of them were deleted."""

    found: int
    deleted: int


@use_case("file delete", changes=True)
def delete_files(
    site: Site, spec: str, area: str, dialog: DeleteDialog, *, is_asked: bool = True
) -> Deleted:
    """Delete what matches ``spec``, each after a question.

    Args:
        site: this node.
        spec: a path, whose last part may have wildcards.
        area: in which of the places.
        dialog: is asked and told.
        is_asked: without, nothing is asked, and what needs a question stays.

    Raises:
        UsageError, StoreError: see ``file_areas.matching``.
    """
    place = area_of(site, area)
    names = files_of(place, spec)
    deleted = 0
    for name in names:
        why = _why_kept(site, area, name, is_asked=is_asked)
        if why:
            dialog.refused(name, why)
        elif not is_asked or dialog.is_agreed(name):
            deleted += _delete(site, place, name, dialog)
    return Deleted(len(names), deleted)


def _why_kept(site: Site, area: str, name: str, *, is_asked: bool) -> str:
    if area != TFTP:
        return KEPT_LOGS.get(f"{LOG_FOLDER}/{name}", "")
    if why := KEPT_FILES.get(name, ""):
        return why
    if name == CTL_FILE and not is_asked:
        return "phones may hold it: it is deleted after a question only"
    try:
        return why_kept(site, secrets_of(site), name)
    except CucmshError as problem:
        return problem.message


def _delete(site: Site, place: Area, name: str, dialog: DeleteDialog) -> bool:
    store, at = place.place(name)
    try:
        with _locked(site, place):
            store.remove(at)
    except CucmshError as problem:
        dialog.refused(name, problem.message)
        return False
    return True


@contextmanager
def _locked(site: Site, place: Area) -> Iterator[None]:
    """Signing writes beside phones' files; a log is one file, whole or gone."""
    if place.name != TFTP:
        yield
        return
    with site.signing_lock():
        yield
