"""Certificates of whole clusters: exported, consolidated and imported over SFTP."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from commands.certificate_imports import say_undelivered
from commands.files import ask_server
from commands.questions import ask_value, host_key_question, require_yes
from cucmsh import services, views
from cucmsh.services.site import Site
from cucmsh.shell.command import FAILED, command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import NAME, PATH


def kinds(_: Site) -> list[str]:
    """The kinds of certificates, for completion."""
    return services.bulk_kinds()


@command(
    "set cert bulk export <type>",
    of=lambda: services.export_bulk,
    candidates={"type": kinds},
    kinds={"type": NAME},
    has_json=True,
)
def set_cert_bulk_export(dialog: Dialog, site: Site, kind: str) -> int:
    """Put the certificates of this cluster on an SFTP server, for other clusters.

    No private key is among them. Each cluster exports into the same directory; then
    one of them consolidates, and each imports.

    type: all, tomcat, tftp, capf or ITLRecovery

    Example:
    set cert bulk export all
    """
    done = services.export_bulk(site, kind, _OnScreen(dialog), _Told(dialog, "export"))
    return _sent(dialog, site, done)


@command(
    "set cert bulk consolidate <type>",
    of=lambda: services.consolidate_bulk,
    candidates={"type": kinds},
    kinds={"type": NAME},
    has_json=True,
)
def set_cert_bulk_consolidate(dialog: Dialog, site: Site, kind: str) -> int:
    """Make one file of what the clusters exported into a directory.

    type: all, tomcat, tftp, capf or ITLRecovery

    Example:
    set cert bulk consolidate all
    """
    told = _Told(dialog, "consolidat")
    done = services.consolidate_bulk(site, kind, _OnScreen(dialog), told)
    return _sent(dialog, site, done)


@command(
    "set cert bulk import <type>",
    of=lambda: services.import_bulk,
    candidates={"type": kinds},
    kinds={"type": NAME},
    has_json=True,
)
def set_cert_bulk_import(dialog: Dialog, site: Site, kind: str) -> int:
    """Trust the certificates of the other clusters, on every node of this one.

    TVS then vouches for their lists and files: phones of this cluster may move there.
    Compare the fingerprints with those that `show cert own` prints on the other one.

    type: all, tomcat, tftp, capf or ITLRecovery

    Example:
    set cert bulk import all
    """
    done = services.import_bulk(site, kind, _OnScreen(dialog))
    for each in services.bulk_kinds_of(kind):
        dialog.say(f"Successfully imported {each} certificates.")
    if dialog.helpful:
        for line in views.import_lines(done):
            dialog.say(line)
    dialog.result(tuple, lambda: views.imports_document(site.node.name, done))
    return say_undelivered(dialog, done)


class _Told:
    """Says of each file that it is there."""

    def __init__(self, dialog: Dialog, verb: str) -> None:
        self._dialog = dialog
        self._verb = verb

    def __call__(self, done: services.Exported) -> None:
        self._dialog.say(
            f"Successfully {self._verb}ed {done.kind} certificate(s) to sftp server."
        )
        if done.sent.why_unproven:
            self._dialog.say(
                f"{done.sent.path} is not proven: {done.sent.why_unproven}."
            )
        elif self._dialog.helpful:
            many = "It is" if done.number == 1 else f"{done.number} of them are"
            self._dialog.say(f"{many} in {done.sent.path}.")


def _sent(dialog: Dialog, site: Site, done: list[services.Exported]) -> int:
    unproven = any(each.sent.why_unproven for each in done)
    if unproven:
        dialog.say(FAILED)
    dialog.result(tuple, lambda: views.bulk_document(site.node.name, done))
    return 3 if unproven else 0


class _OnScreen:
    """A ``BulkDialog``."""

    def __init__(self, dialog: Dialog) -> None:
        self._dialog = dialog

    def choose(self) -> services.Destination:
        server = ask_server(self._dialog)
        self._dialog.say()
        directory = ask_value(self._dialog, "Directory: ", PATH)
        self._dialog.say()
        accept = host_key_question(self._dialog, server.host)
        return services.Destination(server, directory, accept)

    def working(self) -> AbstractContextManager[None]:
        return self._dialog.working(lambda: "Waiting for the SFTP server...")

    def agree(self, found: Sequence[services.BulkCertificates]) -> None:
        if not self._dialog.helpful:
            return
        for line in views.bulk_lines(found):
            self._dialog.say(line)
        require_yes(self._dialog, "Do you want to continue (yes/no)? ")
