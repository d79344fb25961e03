"""A page: what is asked of the node, the template that shows it, its JSON twin.

A page changes nothing; an action does, and is a POST of a form of ours. A page is found
at its path, as HTML or, by ``.json`` behind the path or by ``Accept:
application/json``, as the document that ``--json`` of its command prints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cucmsh.services.site import Site

Query = Mapping[str, str]
Form = Mapping[str, str | bytes]  # bytes: a file that was uploaded


class Shown(NamedTuple):
    """What a page found.

    Attributes:
        values: for the template, by name.
        document: for a program.
        status: of the answer.
    """

    values: Mapping[str, Any]
    document: Mapping[str, object]
    status: int = 200


class Page(NamedTuple):
    """One page.

    Attributes:
        path: where; ``{name}`` is a value of the query, too.
        name: in the menu; empty for a page that is reached from others.
        template: shows it.
        find: asks the node; runs in a thread, and raises ``CucmshError`` only.
        takes: names of its query, for programs (``web.openapi``); so with the others.
    """

    path: str
    name: str
    template: str
    find: Callable[[Site, Query], Shown]
    takes: tuple[str, ...] = ()


class Action(NamedTuple):
    """What a form does: a use-case behind its guard, whose result is a page of its own.

    Attributes:
        path: where the form is sent.
        template: shows the result; it is found again when that page is loaded anew.
        do: does it; runs in a thread, and raises ``CucmshError`` only.
    """

    path: str
    template: str
    do: Callable[[Site, Form], Shown]
    takes: tuple[str, ...] = ()


class File(NamedTuple):
    """A file to be saved, or to be read by a program.

    Attributes:
        path: where it is.
        find: its name, its media type and its bytes.
        needs_log_in: whether somebody has to be logged in. Who need not be is nobody in
            the record: a program that looks every few seconds would fill it.
    """

    path: str
    find: Callable[[Site, Query], tuple[str, str, bytes]]
    needs_log_in: bool = True
    takes: tuple[str, ...] = ()


class LongAction(NamedTuple):
    """An action that takes its time: a page shows how far it is (``web.jobs``).

    Attributes:
        path: where the form is sent.
        name: what it does.
        template: shows the result.
        do: does it; tells lines as it goes, and raises ``CucmshError`` only.
    """

    path: str
    name: str
    template: str
    do: Callable[[Site, Form, Callable[[str], None]], Shown]
    takes: tuple[str, ...] = ()


Part = Page | Action | LongAction | File
