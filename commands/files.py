"""The files under ``tftp/`` and the logs: listed, viewed, sent to an SFTP server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from commands.file_options import (
    ABSTIME,
    ACTIVELOG,
    MATCH,
    RELTIME,
    TFTP,
    chosen_of,
    options_of,
)
from commands.questions import ask_value, host_key_question
from cucmsh import services, views
from cucmsh.errors import CancelledError, UsageError
from cucmsh.hosts import bare_host, read_port
from cucmsh.services.backends import BackupServer
from cucmsh.services.site import Site
from cucmsh.shell.answers import ATTEMPTS
from cucmsh.shell.command import FAILED, command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import FILE, PATH, USER, WORD, ParameterType

if TYPE_CHECKING:
    from cucmsh.remote.file_transfer import SentFile

GET_OPTIONS = ("recurs", RELTIME, ABSTIME, MATCH)
LIST_OPTIONS = ("page", "detail", "reverse", "date", "size")
# What the original calls them on screen.
TFTP_FOLDER, LOG_FOLDER = "/usr/local/cm/tftp", "/var/log/active"


def _is_server(text: str) -> bool:
    try:
        return bool(bare_host(text))
    except UsageError:
        return False


SERVER = ParameterType("a host name or address; the port is asked for next", _is_server)


def files(site: Site) -> list[str]:
    """The files under tftp/, those in folders too, for completion."""
    return services.paths(site)


def specs(site: Site) -> list[str]:
    """The same, and what stands for all files of a folder."""
    return _with_folders(files(site))


def logs(site: Site) -> list[str]:
    """The logs, those in folders too, for completion."""
    return services.paths(site, ACTIVELOG)


def log_specs(site: Site) -> list[str]:
    """The same, and what stands for all logs of a folder."""
    return _with_folders(logs(site))


def _with_folders(found: list[str]) -> list[str]:
    folders = {path.rpartition("/")[0] for path in found} - {""}
    return sorted([*found, *(f"{folder}/*" for folder in folders)])


@command(
    "file list activelog <spec> [options...]",
    candidates={"spec": log_specs},
    kinds={"spec": FILE, "options": WORD},
    has_json=True,
)
def file_list_activelog(
    dialog: Dialog, site: Site, spec: str, options: str = ""
) -> int:
    """List the logs of this node.

    'syslog/CiscoSyslog' has the alarms, 'audit' a line for each command, 'errors' one
    for what broke.

    spec: a path; '*' and '?' in its last part stand for any letters
    options: detail, reverse, date, size; each may be cut

    Example:
    file list activelog *
    file list activelog syslog/* detail
    """
    missing = services.missing_folder(site, spec, ACTIVELOG)
    if missing and dialog.helpful:
        dialog.say(
            f"There is no folder {missing} among the logs of this node: audit has what "
            "was typed, syslog/CiscoSyslog the alarms, errors what broke."
        )
    return _list(dialog, site, spec, ACTIVELOG, options)


@command(
    "file list tftp <spec> [options...]",
    candidates={"spec": specs},
    kinds={"spec": FILE, "options": WORD},
    has_json=True,
)
def file_list_tftp(dialog: Dialog, site: Site, spec: str, options: str = "") -> int:
    """List files and folders of the TFTP directory.

    On the publisher ITLRecovery.p12 is among them; TFTP itself never serves it.

    spec: a path; '*' and '?' in its last part stand for any letters
    options: detail, reverse, date, size; each may be cut

    Example:
    file list tftp *.tlv
    file list tftp settings/*
    """
    missing = services.missing_folder(site, spec)
    if missing and dialog.helpful:
        dialog.say(f"There is no folder {missing} in the TFTP directory.")
    return _list(dialog, site, spec, TFTP, options)


@command(
    "file view activelog <file>",
    candidates={"file": logs},
    kinds={"file": FILE},
    has_json=True,
)
def file_view_activelog(dialog: Dialog, site: Site, name: str) -> None:
    """Show a log of this node, 20 lines a page.

    Keys: n shows the next page, p the one before, b the first, e the last; q quits.
    Of a log larger than a mebibyte the end is shown.

    file: a log's path, such as syslog/CiscoSyslog

    Example:
    file view activelog audit
    file view activelog syslog/CiscoSyslog
    """
    text, before = services.read_log(site, name)
    note = f"({before} bytes of earlier lines are left out.)\n" if before else ""
    dialog.view(
        f"{note}{text}",
        lambda: views.text_document(site.node.name, name, text, before),
    )


@command(
    "file view tftp <file>",
    candidates={"file": files},
    kinds={"file": FILE},
    has_json=True,
)
def file_view_tftp(dialog: Dialog, site: Site, name: str) -> None:
    """Show a text file of the TFTP directory, 20 lines a page.

    Keys: n shows the next page, p the one before, b the first, e the last; q quits.

    file: a file's path, such as settings/SEP001122334455.cnf.xml

    Example:
    file view tftp XMLDefault.cnf.xml
    """
    text = services.read_text(site, name)
    dialog.view(text, lambda: views.text_document(site.node.name, name, text))


@command(
    "file get tftp <file>",
    of=lambda: services.get_file,
    candidates={"file": files},
    kinds={"file": FILE},
    has_json=True,
)
def file_get_tftp(dialog: Dialog, site: Site, name: str) -> int:
    """Send a file of the TFTP directory to an SFTP server.

    `file get tftp ITLRecovery.p12` on the publisher saves the recovery key. An
    earlier file of that name on the server is moved to NAME.1, NAME.2 and so on. Where
    the server does not tell whether there is one, or lets nothing be renamed, the file
    gets a name of its own, which is shown.

    file: a file's path, such as settings/SEP001122334455.cnf.xml

    Example:
    file get tftp ITLRecovery.p12
    """
    shown = _OnScreen(dialog)
    sent = services.get_file(site, name, shown)
    server = shown.server
    if server is not None:
        dialog.result(
            tuple,
            lambda: views.sent_document(site.node.name, name, server, sent),
        )
    dialog.say(".")
    if sent.why_unproven:
        return _unproven(dialog, server.host if server else "the server", sent)
    dialog.say("Transfer completed.")
    dialog.say(f"Downloading file: {TFTP_FOLDER}/{name}")
    if dialog.helpful and sent.was_there:
        dialog.say(f"The same file was there already as {sent.path}")
    _say_where(dialog, sent)
    return 0


@command(
    "file get activelog <spec> [options...]",
    of=lambda: services.get_logs,
    candidates={"spec": log_specs},
    kinds={"spec": FILE, "options": WORD},
    has_json=True,
)
def file_get_activelog(dialog: Dialog, site: Site, spec: str, options: str = "") -> int:
    """Send logs of this node to an SFTP server.

    An earlier file of that name on the server is moved to NAME.1, NAME.2 and so on.

    spec: a path; '*' and '?' in its last part stand for any letters
    options: recurs (in folders below, too), reltime UNIT N, abstime FROM TO, match
    EXPRESSION (in the file's name); each may be cut

    Example:
    file get activelog syslog/CiscoSyslog*
    file get activelog * recurs reltime hours 4
    """
    chosen = chosen_of(site, options, GET_OPTIONS, "get")
    is_recursive = "recurs" in chosen.flags
    shown = _OnScreen(dialog, is_recursive=is_recursive)
    sent = services.get_logs(
        site,
        spec,
        shown,
        is_recursive=is_recursive,
        span=chosen.span,
        expression=chosen.match,
    )
    server = shown.server
    host = server.host if server else "the server"
    if server is not None:
        dialog.result(
            tuple,
            lambda: views.sent_logs_document(site.node.name, server, sent),
        )
    dialog.say("." * len(sent))
    unproven = [each for each in sent.values() if each.why_unproven]
    if unproven:
        return max(_unproven(dialog, host, each) for each in unproven)
    dialog.say("Transfer completed.")
    for name, each in sent.items():
        dialog.say(f"Downloading file: {LOG_FOLDER}/{name}")
        _say_where(dialog, each)
    return 0


class _OnScreen:
    """A ``SendDialog`` in the original's words."""

    def __init__(self, dialog: Dialog, *, is_recursive: bool = False) -> None:
        self._dialog = dialog
        self._traversed = "traversed" if is_recursive else "not traversed"
        self.server: BackupServer | None = None
        self._so_far = 0  # bytes; another thread reads it

    @contextmanager
    def gathering(self) -> Iterator[None]:
        self._dialog.write("Please wait while the system is gathering files info ...")
        try:
            yield
        finally:
            self._dialog.say("done.")

    def choose(self, size: int, number: int = 1) -> services.Destination:
        dialog = self._dialog
        dialog.say(f"Sub-directories were {self._traversed}.")
        dialog.say(f"Number of files affected: {number}")
        dialog.say(f"Total size in Bytes: {size}")
        dialog.say(f"Total size in Kbytes: {views.kilobytes(size)}")
        again = "Please answer 'y' for <yes> or 'n' for <no>: "
        if dialog.ask_key("Would you like to proceed [y/n]? ", "yn", again) == "n":
            raise CancelledError("Nothing was transferred.")
        server = ask_server(dialog)
        self.server = server
        dialog.say()
        directory = ask_value(dialog, "Download directory: ", PATH)
        dialog.say()
        return services.Destination(
            server, directory, host_key_question(dialog, server.host)
        )

    @contextmanager
    def sending(
        self, to: services.Destination, size: int
    ) -> Iterator[Callable[[int], object]]:
        host = to.server.host

        def waiting() -> str:
            if not self._so_far:
                return f"Waiting for {host}..."
            return f"Sent {self._so_far} of {size} bytes to {host}..."

        with self._dialog.working(waiting):
            yield self._note

    def _note(self, sent: int) -> None:
        self._so_far = sent


def _unproven(dialog: Dialog, host: str, sent: SentFile) -> int:
    """Say that the copy could not be read back; such a one is not called a backup."""
    dialog.say(
        f"Sent to {host} as {sent.path}, but not proven: {sent.why_unproven}. "
        f"Compare its SHA-256 there, or let the account read: {sent.sha256}"
    )
    _say_where(dialog, sent)
    dialog.say(FAILED)
    return 3


def _say_where(dialog: Dialog, sent: SentFile) -> None:
    """Say under which name it lies there, and what became of an earlier file."""
    if sent.why_elsewhere:
        dialog.say(f"It is called {sent.path} there, since {sent.why_elsewhere}.")
    if dialog.helpful and sent.second_copy:
        dialog.say(f"A second copy is {sent.second_copy} there: nothing is removed.")
    if sent.earlier and (dialog.helpful or sent.why_elsewhere):
        name = sent.earlier.rpartition("/")[2]
        dialog.say(f"An earlier {name.rpartition('.')[0]} there is kept as {name}")


def _list(dialog: Dialog, site: Site, spec: str, area: str, options: str) -> int:
    chosen = options_of(options, LIST_OPTIONS, "list")
    if not chosen - {"page"}:  # long output stops at a page all the same
        folders, names = services.list_files(site, spec, area)
        dialog.result(
            lambda: views.listing_lines(folders, names),
            lambda: views.listing_document(site.node.name, folders, names),
        )
        return 0 if folders or names else 1
    entries = services.list_in_detail(site, spec, area)
    if "date" in chosen:
        entries.sort(key=lambda entry: entry.modified)
    if "size" in chosen:
        entries.sort(key=lambda entry: entry.size or 0)
    if "reverse" in chosen:
        entries.reverse()
    if "detail" in chosen:
        dialog.result(
            lambda: views.detailed_lines(entries),
            lambda: views.detailed_document(site.node.name, entries),
        )
        return 0 if entries else 1
    folders = tuple(entry.name for entry in entries if entry.size is None)
    names = tuple(entry.name for entry in entries if entry.size is not None)
    dialog.result(
        lambda: views.listing_lines(folders, names),
        lambda: views.listing_document(site.node.name, folders, names),
    )
    return 0 if entries else 1


def ask_server(dialog: Dialog) -> BackupServer:
    """Which SFTP server, and how to log in there, as the original asks it."""
    host = bare_host(ask_value(dialog, "SFTP server IP: ", SERVER))
    port = _ask_port(dialog)
    user = ask_value(dialog, "User ID: ", USER)
    password = dialog.ask_secret("Password: ", mask="*")
    return BackupServer(host, port, user, password)


def _ask_port(dialog: Dialog) -> int:
    question = "SFTP server port [22]: "
    for _ in range(ATTEMPTS):
        try:
            return read_port(dialog.ask(question) or "22")
        except UsageError as problem:
            dialog.ask_again(question, problem.message)
    raise UsageError("No usable answer was given; nothing was transferred.")
