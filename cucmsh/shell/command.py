"""How a command pack declares a command: its phrase, its parameters, who may call it.

A phrase is written the way a manual prints it:

    utils itl reset localkey                            words
    set cli pagination on|off                           the chosen word is an argument
    utils itl reset remotekey <host> <user> <path>      mandatory parameters
    file list tftp <spec> [options]                     optional ones follow
    utils service restart <service...>                  the rest of the line, as one
    help [command...]                                   the same, optional

The function's docstring is its help: a line that sums it up; more text; a line
`name: text` for each parameter or choice; and after a line `Example:` lines to type.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

from cucmsh.shell.parameter_types import TEXT, WORD, ParameterType

CommandFunction = Callable[..., int | None]
Candidates = Callable[[Any], Iterable[str]]
_Function = TypeVar("_Function", bound=CommandFunction)
_ATTRIBUTE = "cucmsh_command"
_OPENING = frozenset("<[")  # a parameter's first character
EXAMPLE = "Example:"
FAILED = "Executed command unsuccessfully"  # docs/cli.md#errors
_NOTHING_OFFERED: Mapping[str, Candidates] = {}


class Access(Protocol):
    """Who may call a command: what the session's guard looks at."""

    @property
    def changes(self) -> bool: ...

    @property
    def publisher_only(self) -> bool: ...

    @property
    def level(self) -> int: ...


class Behind(Protocol):
    """A use-case that a command calls; it says who may call it."""

    @property
    def access(self) -> Access: ...


class OwnAccess(NamedTuple):
    """Who may call a command that has no use-case behind it."""

    changes: bool = False
    publisher_only: bool = False
    level: int = 0


class Declared(Protocol):
    """What a grammar needs of a command before somebody types it."""

    @property
    def phrase(self) -> str:
        """What is typed."""

    @property
    def words(self) -> tuple[tuple[str, ...], ...]:
        """One tuple per position: a single word, or the words to choose from."""

    @property
    def place(self) -> str:
        """Where it is written, to name it in an error."""

    def loaded(self) -> Command:
        """The command itself.

        Raises:
            PackError: its module cannot be imported, or does not hold it.
        """


class Parameter(NamedTuple):
    """A value that follows the words; `takes_rest` swallows the rest of the line.

    Its `kind` holds for each word of such a rest.
    """

    name: str
    is_mandatory: bool
    takes_rest: bool
    kind: ParameterType = WORD


class Command(NamedTuple):
    """One command, as its decorator and its docstring describe it.

    `words` holds one tuple per position: a single word, or the words to choose from.
    `access` gives who may call it, when that is asked for. `has_json` is true for those
    that give a `Dialog.result`.
    """

    phrase: str
    words: tuple[tuple[str, ...], ...]
    parameters: tuple[Parameter, ...]
    function: CommandFunction
    access: Callable[[], Access]
    has_json: bool
    summary: str
    details: str
    candidates: Mapping[str, Candidates]

    @property
    def changes(self) -> bool:
        """Whether it changes this node or the cluster."""
        return self.access().changes

    @property
    def publisher_only(self) -> bool:
        """Whether a subscriber refuses it."""
        return self.access().publisher_only

    @property
    def level(self) -> int:
        """The least privilege level."""
        return self.access().level

    @property
    def options(self) -> dict[str, str]:
        """What the docstring says of each parameter and choice, in its order."""
        found: dict[str, str] = {}
        for name, text in self._lines_by_option():
            if name:
                found[name] = f"{found[name]} {text}" if name in found else text
        return found

    @property
    def description(self) -> str:
        """The docstring without options and examples."""
        lines = [text for name, text in self._lines_by_option() if not name]
        return "\n".join(lines).strip()

    def _lines_by_option(self) -> Iterator[tuple[str, str]]:
        """The lines before the examples, each with the option that it tells of, if any.

        What is said of an option goes on up to an empty line or the next option.
        """
        names = {parameter.name for parameter in self.parameters}
        names.update(*(step for step in self.words if len(step) > 1))
        name = ""
        for line in self.details.partition(f"{EXAMPLE}\n")[0].split("\n"):
            word, colon, text = line.strip().partition(":")
            if colon and word in names:
                name = word
                yield name, text.strip()
            else:
                name = name if line.strip() else ""
                yield name, line.strip()

    @property
    def examples(self) -> list[str]:
        """Lines to type."""
        text = self.details.partition(f"{EXAMPLE}\n")[2]
        return [line.strip() for line in text.split("\n") if line.strip()]

    @property
    def place(self) -> str:
        """Where it is written, to name it in an error."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    def loaded(self) -> Command:
        """Itself: its module is there."""
        return self


def command(  # noqa: PLR0913 - keywords, each a word of the declaration
    phrase: str,
    *,
    of: Callable[[], Behind] | None = None,
    changes: bool = False,
    publisher_only: bool = False,
    has_json: bool = False,
    candidates: Mapping[str, Candidates] | None = None,
    kinds: Mapping[str, ParameterType] | None = None,
) -> Callable[[_Function], _Function]:
    """Declare `def f(dialog, context, *words) -> int | None` as a command.

    Args:
        phrase: what is typed, see the module's docstring.
        of: gives what it calls: that says who may type the command, and no more is
            needed. It is asked for when somebody types it, so that a session imports
            no more than it runs.
        changes: for a command of a pack that changes something by itself.
        publisher_only: for one that only a publisher can do.
        has_json: what it gives goes through `dialog.result`, which has a JSON form.
        candidates: for a parameter's name, a function of the context that gives the
            values worth offering when a person presses Tab; `phrases` for a parameter
            that is itself a command.
        kinds: for a parameter's name, what its value may be; without one it is a
            `WORD`, or `TEXT` if it takes the rest of the line.

    Raises:
        ValueError: the phrase cannot be read, or values are offered or a kind is
            declared for no parameter.
    """
    words, parameters = _read_phrase(phrase, kinds or {})
    own = OwnAccess(changes, publisher_only)
    access = (lambda: of().access) if of else (lambda: own)
    offered = dict(candidates or _NOTHING_OFFERED)
    declared = {*offered, *(kinds or ())}
    unknown = declared.difference(parameter.name for parameter in parameters)
    if unknown:
        raise ValueError(f"{phrase!r} has no parameter {', '.join(sorted(unknown))}")

    def declare(function: _Function) -> _Function:
        summary, details = _read_docstring(function.__doc__ or "")
        vars(function)[_ATTRIBUTE] = Command(
            phrase,
            words,
            parameters,
            function,
            access,
            has_json,
            summary,
            details,
            offered,
        )
        return function

    return declare


def phrases(_context: Any) -> Iterable[str]:
    """Stand for all commands as candidates; what is offered comes from the grammar."""
    return ()


def find_command(candidate: object) -> Command | None:
    """Return what the decorator left on a function, or None."""
    found = getattr(candidate, _ATTRIBUTE, None)
    return found if isinstance(found, Command) else None


def read_words(phrase: str) -> tuple[tuple[str, ...], ...]:
    """The words of a phrase, up to its parameters: one tuple per position.

    Raises:
        ValueError: not plain words with single blanks between.
    """
    plain = itertools.takewhile(
        lambda part: part[:1] not in _OPENING, phrase.split(" ")
    )
    words = tuple(tuple(part.split("|")) for part in plain)
    if not words or not all(_is_word(word) for step in words for word in step):
        raise ValueError(f"{phrase!r}: not plain words with single blanks between")
    return words


def _read_phrase(
    phrase: str, kinds: Mapping[str, ParameterType]
) -> tuple[tuple[tuple[str, ...], ...], tuple[Parameter, ...]]:
    words = read_words(phrase)
    values = phrase.split(" ")[len(words) :]
    if any(part[:1] not in _OPENING for part in values):
        raise ValueError(f"{phrase!r}: a word follows a parameter")
    parameters = [_read_parameter(part, phrase, kinds) for part in values]
    for earlier, later in itertools.pairwise(parameters):
        if earlier.takes_rest or (later.is_mandatory and not earlier.is_mandatory):
            raise ValueError(f"{phrase!r}: {later.name} can never be reached")
    return words, tuple(parameters)


def _read_parameter(
    part: str, phrase: str, kinds: Mapping[str, ParameterType]
) -> Parameter:
    is_mandatory = part.startswith("<")
    name = part[1:-1].removesuffix("...")
    if not part.endswith(">" if is_mandatory else "]") or not _is_word(name):
        raise ValueError(f"{phrase!r}: {part} is no parameter")
    takes_rest = part[1:-1].endswith("...")
    kind = kinds.get(name, TEXT if takes_rest else WORD)
    return Parameter(name, is_mandatory, takes_rest, kind)


def _is_word(word: str) -> bool:
    return word.isprintable() and word[:1].isalnum() and not set(word) & set(" <>[]|")


def _read_docstring(docstring: str) -> tuple[str, str]:
    summary, _, rest = docstring.strip().partition("\n")
    lines = [line.rstrip() for line in rest.split("\n")]
    indents = [len(line) - len(line.lstrip()) for line in lines if line]
    shortest = min(indents, default=0)
    return summary.strip(), "\n".join(line[shortest:] for line in lines).strip("\n")
