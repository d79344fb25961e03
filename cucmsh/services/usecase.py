"""A use-case: a guard and a record stand before what this node can do.

A use-case is a function of a ``Site`` that says who may call it::

    @use_case("utils itl reset localkey", changes=True, publisher_only=True)
    def reset_with_local_key(site: Site, dialog: ResetDialog) -> ResetDone: ...

Prompt, exec requests, hooks, ``cucmsh node`` and later the page call it alike, with a
site that knows its caller (``Site.called_by``). No change, and no look that is declared
here, goes past the guard or the record: the decorator puts both before the function.
Beside them are plain functions that a command may call as it is: they only look, for
what completes a word (``files.paths``), explains a refusal (``files.missing_folder``)
or chooses what a change is about (``phone_files.choose``).

The function of a use-case takes its locks itself, since a question may have to be
answered before; which lock each file takes is in ``tests/services/test_locks.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, Generic, NamedTuple, ParamSpec, TypeVar

from cucmsh.errors import RefusedError
from cucmsh.services.caller import Privilege, WayIn
from cucmsh.services.site import Site

_Values = ParamSpec("_Values")
_Result = TypeVar("_Result")


class Access(NamedTuple):
    """Who may call.

    Attributes:
        name: as people know it: the command, or the verb of the program.
        changes: it changes this node or the cluster, or sends something out of it.
        publisher_only: a subscriber refuses it.
        level: the least privilege level that it takes.
    """

    name: str
    changes: bool = False
    publisher_only: bool = False
    level: int = Privilege.READ


def require_access(site: Site, access: Access) -> None:
    """Refuse a caller who may not do this, here or by the way that it came.

    Raises:
        RefusedError: nobody is named as the caller; this is no publisher; a change by
            an exec request where the configuration has ``exec = "read-only"``
            (docs/decisions/004); the caller's privilege level is too low; or a change
            by a session whose configuration is not the present one.
    """
    caller = site.caller
    if caller is None:
        raise RefusedError(f"{access.name} was called by nobody who is known")
    if access.publisher_only:
        site.require_publisher()
    by_exec = caller.way_in is WayIn.EXEC
    if access.changes and by_exec and not site.settings.may_change_by_exec:
        raise RefusedError(
            f"{access.name} changes the cluster and does not run by an exec "
            "request here",
            'Log in and type it, or set exec = "all" in the configuration.',
        )
    by_page = caller.way_in is WayIn.PAGE
    if access.changes and by_page and not site.settings.web.changes:
        raise RefusedError(
            f"{access.name} changes the cluster, and this page only shows",
            "Log in and type it, or set changes = true under [web] in the "
            "configuration.",
        )
    if caller.level < access.level:
        raise RefusedError(
            f"{access.name} needs privilege level {access.level:d}, and "
            f"{caller.account or 'this caller'} has {caller.level:d}",
            "Somebody with that level has to do it.",
        )
    if access.changes:
        site.require_present_settings()


class UseCase(Generic[_Values, _Result]):
    """A function behind guard and record; call it with a site and the values.

    Attributes:
        access: who may call it.
    """

    def __init__(
        self, function: Callable[Concatenate[Site, _Values], _Result], access: Access
    ) -> None:
        self.access = access
        self._function = function
        self.__module__ = function.__module__
        self.__doc__ = function.__doc__

    def __call__(
        self, site: Site, *values: _Values.args, **named: _Values.kwargs
    ) -> _Result:
        """Do it.

        Raises:
            RefusedError: see ``require_access``; or it is a change whose beginning
                cannot be recorded. Nothing was changed.
            CucmshError: whatever the function says.
        """
        require_access(site, self.access)
        # Only texts are shown: a Secret, a file's bytes and callbacks are none.
        given = (*values, *named.values())
        shown = [value for value in given if isinstance(value, str)]
        with site.record.keeping(
            self.access.name, shown, is_change=self.access.changes
        ):
            return self._function(site, *values, **named)


def use_case(
    name: str,
    *,
    changes: bool = False,
    publisher_only: bool = False,
    level: int | None = None,
) -> Callable[
    [Callable[Concatenate[Site, _Values], _Result]], UseCase[_Values, _Result]
]:
    """Declare ``def f(site, *values) -> result`` as a use-case.

    Args:
        name: what is refused and recorded by it.
        changes: see ``Access``.
        publisher_only: see ``Access``.
        level: see ``Access``; without one, that of a change or of a look.
    """
    usual = Privilege.CHANGE if changes else Privilege.READ
    least = usual if level is None else level
    access = Access(name, changes, publisher_only, least)
    return lambda function: UseCase(function, access)
