"""Options as ``--name VALUE`` or ``--name=VALUE``, each at most once. Opens nothing."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cucmsh.config.entries import systemd_words
from cucmsh.config.model import TftpAddress
from cucmsh.errors import UsageError
from cucmsh.hosts import split_host

SERVICE = "--service"
VERBS = ("start", "stop", "restart", "status")
SERVICE_OPTIONS = (SERVICE, *(f"--{verb}" for verb in VERBS))
UNIT_LETTERS = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@:"
)
DEFAULT_UNIT = "tftpd-hpa"
TFTP_PORT = 69

ServiceCommands = str | dict[str, list[str]]


class Surroundings(NamedTuple):
    """Where and as whom we run.

    Attributes:
        configuration: the path of the configuration, absolute.
        is_default: whether that is where it is looked for anyway.
        program: the argv that runs cucmsh with it.
        account: the name of the account.
    """

    configuration: str
    is_default: bool
    program: Sequence[str]
    account: str


def asks_for_help(words: Iterable[str]) -> bool:
    return not {"--help", "-h"}.isdisjoint(words)


class Options:
    """What was typed after the words that name the command.

    Args:
        words: all of it.
        names: the options that there are, each with a value.
        help_words: what shows the usage, for whoever mistyped.
        flags: the options that take no value.

    Raises:
        UsageError: an unknown option, one twice, one without its value or with one
            that it does not take.
    """

    def __init__(
        self,
        words: Iterable[str],
        names: Iterable[str],
        help_words: str,
        flags: Iterable[str] = (),
    ) -> None:
        self.words: list[str] = []
        self.advice = f"See `{help_words}`."
        self._values: dict[str, str] = {}
        alone, rest = set(flags), list(words)
        known = alone.union(names)
        while rest:
            word = rest.pop(0)
            if not word.startswith("-"):
                self.words.append(word)
                continue
            name, equals, value = word.partition("=")
            if name not in known:
                raise UsageError(f"the option {name!r} is not known", self.advice)
            if name in self._values:
                raise UsageError(f"{name} is there twice", self.advice)
            if name in alone:
                if equals:
                    raise UsageError(f"{name} takes no value", self.advice)
                value = "yes"
            elif not equals:
                if not rest:
                    raise UsageError(f"{name} needs a value", self.advice)
                value = rest.pop(0)
            if not value.isprintable():
                raise UsageError(f"{name} holds characters that cannot be printed")
            self._values[name] = value

    def get(self, name: str, default: str = "") -> str:
        return self._values.get(name, default)

    def has(self, name: str) -> bool:
        """Whether an option that takes no value is there."""
        return name in self._values

    def path(self, name: str, default: str = "") -> str:
        """An absolute path; empty where there is none."""
        value = self.get(name, default)
        return os.path.abspath(value) if value else ""

    def tftp(self) -> TftpAddress | None:
        """``--tftp HOST[:PORT]``."""
        value = self.get("--tftp")
        return TftpAddress(*split_host(value, TFTP_PORT)) if value else None

    def descriptor(self, name: str) -> int | None:
        """The number of an open file descriptor."""
        value = self.get(name)
        if not value:
            return None
        if not value.isascii() or not value.isdecimal():
            raise UsageError(f"{name} {value!r} is no file descriptor", self.advice)
        return int(value)

    def service(self) -> ServiceCommands | None:
        """``--service systemd:UNIT``, ``--service sudo:UNIT``, or words for each verb.

        The words are split as a shell would split them, and run without one.
        """
        words = {verb: self._words(f"--{verb}") for verb in VERBS}
        given = {verb: argv for verb, argv in words.items() if argv}
        named = self.get(SERVICE)
        if given and named:
            raise UsageError("give --service or --restart and --status", self.advice)
        if given:
            if not {"restart", "status"} <= given.keys():
                raise UsageError("--restart and --status go together", self.advice)
            return given
        if not named:
            return None
        kind, _, unit = named.removesuffix(".service").partition(":")
        is_unit = unit and unit[0] != "-" and UNIT_LETTERS.issuperset(unit)
        if kind not in ("systemd", "sudo") or not is_unit:
            raise UsageError(
                f"--service {named!r} is neither systemd:UNIT nor sudo:UNIT",
                self.advice,
            )
        return systemd_words(unit, by_sudo=kind == "sudo")

    def _words(self, name: str) -> list[str]:
        try:
            return shlex.split(self.get(name))
        except ValueError as problem:
            raise UsageError(f"{name} cannot be split into words: {problem}") from (
                problem
            )

    def program(self) -> tuple[str, ...]:
        """``--program WORDS``."""
        return tuple(self._words("--program"))


def default_service(user: str) -> ServiceCommands:
    """tftpd-hpa, as its Debian unit; only root may restart it without sudo."""
    return systemd_words(DEFAULT_UNIT, by_sudo=user != "root")
