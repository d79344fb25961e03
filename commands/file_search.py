"""``file search``, ``file tail`` and ``file delete``, in both places."""

from __future__ import annotations

from collections.abc import Callable

from commands.file_options import (
    ABSTIME,
    ACTIVELOG,
    RELTIME,
    TFTP,
    chosen_of,
    option_of,
    options_of,
)
from commands.files import files, log_specs, logs, specs
from cucmsh import services, views
from cucmsh.errors import UsageError
from cucmsh.services.site import Site
from cucmsh.shell.command import FAILED, command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import FILE, TEXT, WORD

SEARCH_OPTIONS = ("ignorecase", "recurs", RELTIME, ABSTIME)
TAIL_OPTIONS = ("lines", "recent", "regexp")
DELETE_OPTIONS = ("detail", "noconfirm")
MOST_TAIL_LINES = 10_000
AGREED = "y"


@command(
    "file search activelog <spec> <expression> [options...]",
    candidates={"spec": log_specs},
    kinds={"spec": FILE, "expression": TEXT, "options": WORD},
    has_json=True,
)
def file_search_activelog(
    dialog: Dialog, site: Site, spec: str, expression: str, options: str = ""
) -> int:
    """Show the lines of logs in which a regular expression is found.

    spec: a path; '*' and '?' in its last part stand for any letters
    expression: a regular expression; with blanks "in double quotes"
    options: ignorecase, recurs (in folders below, too), reltime UNIT N (months, weeks,
    days, hours, minutes), abstime FROM TO (hh:mm:MM/DD/YY); each may be cut

    Example:
    file search activelog syslog/CiscoSyslog UC_CERT
    file search activelog syslog/* UC_CERT reltime days 2
    file search activelog syslog/* "certexpired|certvalid" ignorecase
    """
    return _search(dialog, site, (spec, expression), ACTIVELOG, options)


@command(
    "file search tftp <spec> <expression> [options...]",
    candidates={"spec": specs},
    kinds={"spec": FILE, "expression": TEXT, "options": WORD},
    has_json=True,
)
def file_search_tftp(
    dialog: Dialog, site: Site, spec: str, expression: str, options: str = ""
) -> int:
    """Show the lines of phones' files in which a regular expression is found.

    spec: a path; '*' and '?' in its last part stand for any letters
    expression: a regular expression; with blanks "in double quotes"
    options: as of `file search activelog`

    Example:
    file search tftp *.cnf.xml loadInformation
    """
    return _search(dialog, site, (spec, expression), TFTP, options)


@command(
    "file tail activelog <spec> [options...]",
    of=lambda: services.tail_file,
    candidates={"spec": logs},
    kinds={"spec": FILE, "options": TEXT},
    has_json=True,
)
def file_tail_activelog(
    dialog: Dialog, site: Site, spec: str, options: str = ""
) -> None:
    """Show the end of a log, and what is added, until Ctrl-C.

    spec: a log's path; with the word recent '*' and '?' may stand in its last part
    options: lines N (10 without it), recent (the one written last, and no more), regexp
    "EXPRESSION" (the last word)

    Example:
    file tail activelog syslog/CiscoSyslog
    file tail activelog syslog/* recent regexp "UC_CERT-[01]"
    """
    _tail(dialog, site, spec, ACTIVELOG, options)


@command(
    "file tail tftp <spec> [options...]",
    of=lambda: services.tail_file,
    candidates={"spec": files},
    kinds={"spec": FILE, "options": TEXT},
    has_json=True,
)
def file_tail_tftp(dialog: Dialog, site: Site, spec: str, options: str = "") -> None:
    """Show the end of a text file of the TFTP directory, and what is added.

    spec: a path; with the word recent '*' and '?' may stand in its last part
    options: as of `file tail activelog`

    Example:
    file tail tftp XMLDefault.cnf.xml recent
    """
    _tail(dialog, site, spec, TFTP, options)


@command(
    "file delete activelog <spec> [options...]",
    of=lambda: services.delete_files,
    candidates={"spec": log_specs},
    kinds={"spec": FILE, "options": WORD},
    has_json=True,
)
def file_delete_activelog(
    dialog: Dialog, site: Site, spec: str, options: str = ""
) -> int:
    """Delete logs of this node, each after a question.

    The audit log stays, and so does the log that alarms are being written to.

    spec: a path; '*' and '?' in its last part stand for any letters
    options: noconfirm (ask nothing), detail; each may be cut

    Example:
    file delete activelog syslog/CiscoSyslog.* noconfirm
    """
    return _delete(dialog, site, spec, ACTIVELOG, options)


@command(
    "file delete tftp <spec> [options...]",
    of=lambda: services.delete_files,
    candidates={"spec": specs},
    kinds={"spec": FILE, "options": WORD},
    has_json=True,
)
def file_delete_tftp(dialog: Dialog, site: Site, spec: str, options: str = "") -> int:
    """Delete files of the TFTP directory, each after a question.

    The list that phones fetch and the recovery key stay.

    spec: a path; '*' and '?' in its last part stand for any letters
    options: noconfirm (ask nothing), detail; each may be cut

    Example:
    file delete tftp CTLFile.tlv
    """
    return _delete(dialog, site, spec, TFTP, options)


def _search(
    dialog: Dialog, site: Site, wanted: tuple[str, str], area: str, options: str
) -> int:
    spec, expression = wanted
    chosen = chosen_of(site, options, SEARCH_OPTIONS, "search")
    with dialog.working(lambda: "Searching..."):
        found = services.search_files(
            site,
            spec,
            expression,
            area,
            ignores_case="ignorecase" in chosen.flags,
            is_recursive="recurs" in chosen.flags,
            span=chosen.span,
        )
    dialog.result(
        lambda: views.search_lines(area, spec, found),
        lambda: views.search_document(site.node.name, found),
    )
    return 0 if any(file.lines for file in found.files) else 1


def _tail(dialog: Dialog, site: Site, spec: str, area: str, options: str) -> None:
    tail = _read_tail(options)

    with dialog.following() as wait:
        telling = _Telling(dialog, wait, is_last=tail.is_recent)
        services.tail_file(site, spec, area, tail, telling)
    dialog.result(
        lambda: telling.kept,
        lambda: views.tail_document(site.node.name, spec, telling.kept),
    )


class _Telling:
    """A ``TailDialog``: says each line; keeps them where there are no more to come."""

    def __init__(
        self, dialog: Dialog, wait: Callable[[float], bool], *, is_last: bool
    ) -> None:
        self._dialog = dialog
        self._is_last = is_last
        self.wait = wait
        self.kept: list[str] = []

    def tell(self, lines: list[str]) -> None:
        if self._is_last:
            self.kept += lines
            return
        for line in lines:
            self._dialog.say(line)


def _read_tail(options: str) -> services.Tail:
    """The options of ``file tail``; everything behind ``regexp`` is the expression."""
    tail = services.Tail()
    rest = options
    while rest:
        word, _, rest = rest.partition(" ")
        match option_of(word, TAIL_OPTIONS, "tail"):
            case "recent":
                tail = tail._replace(is_recent=True)
            case "lines":
                number, _, rest = rest.partition(" ")
                tail = tail._replace(lines=_number(number))
            case _:
                if not rest:
                    raise UsageError(f"An expression must follow regexp\n{FAILED}")
                return tail._replace(expression=rest)
    return tail


def _number(text: str) -> int:
    if text.isdecimal() and text.isascii() and 0 < int(text[:9]) <= MOST_TAIL_LINES:
        return int(text[:9])
    raise UsageError(
        f"A number from 1 to {MOST_TAIL_LINES} must follow lines\n{FAILED}"
    )


class _OnScreen:
    """A ``DeleteDialog`` in the original's words."""

    def __init__(self, dialog: Dialog) -> None:
        self._dialog = dialog
        self.refusals: list[tuple[str, str]] = []

    def is_agreed(self, path: str) -> bool:
        self._dialog.say(f"Delete the File {path}?")
        question = 'Enter "y" followed by return to continue: '
        return self._dialog.ask(question).lower() == AGREED

    def refused(self, path: str, why: str) -> None:
        self.refusals.append((path, why))
        self._dialog.say(f"{path} is not deleted: {why}")


def _delete(dialog: Dialog, site: Site, spec: str, area: str, options: str) -> int:
    chosen = options_of(options, DELETE_OPTIONS, "delete")
    shown = _OnScreen(dialog)
    is_asked = "noconfirm" not in chosen
    done = services.delete_files(site, spec, area, shown, is_asked=is_asked)
    dialog.result(
        lambda: [f"files: found = {done.found}, deleted = {done.deleted}"],
        lambda: views.deleted_document(site.node.name, done, shown.refusals),
    )
    return 0 if done.found and not shown.refusals else 1
