from collections.abc import Iterable

import pytest

from cucmsh.errors import StoreError
from cucmsh.shell.command import Command, command, find_command
from cucmsh.shell.complete import (
    Completion,
    complete,
    explain,
    hint,
    listing,
    shared_beginning,
)
from cucmsh.shell.grammar import Grammar
from cucmsh.shell.parameter_types import FILE


@command("show itl")
def show_itl(dialog: object, context: object) -> None:
    """Show the trust list."""


@command("utils itl reset localkey")
def reset_localkey(dialog: object, context: object) -> None:
    """Sign anew."""


@command("utils itl show")
def utils_itl_show(dialog: object, context: object) -> None:
    """Show it here too."""


@command(
    "file list tftp <spec> [options]",
    candidates={"spec": lambda names: names, "options": lambda _: ["page", "detail"]},
)
def file_list(dialog: object, context: object, spec: str, options: str = "") -> None:
    """List files.

    Args:
        spec: file to view
        options: page|detail
    """


@command(
    "utils service restart <service...>",
    candidates={"service": lambda _: ["Cisco Tftp", "Cisco Trust", "Other"]},
)
def restart(dialog: object, context: object, service: str) -> None:
    """Restart a service."""


def _failing(context: object) -> Iterable[str]:
    raise StoreError("no such directory")


@command("file get <name>", candidates={"name": _failing})
def file_get(dialog: object, context: object, name: str) -> None:
    """Get a file."""


def commands() -> list[Command]:
    found = map(find_command, list(globals().values()))
    return [each for each in found if each is not None]


GRAMMAR = Grammar(commands())
NAMES = ["ITLFile.tlv", "ITLRecovery.p12", "evil\x1b[31m"]


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("", ["file", "show", "utils"]),
        ("  ", ["file", "show", "utils"]),
        ("s", ["show"]),
        ("S", []),
        ("show", ["show"]),
        ("show ", ["itl"]),
        ("utils itl ", ["reset", "show"]),
        ("utils itl x", []),
        ("foo ", []),
        ("file list tftp ", ["ITLFile.tlv", "ITLRecovery.p12"]),
        ("file list tftp ITLF", ["ITLFile.tlv"]),
        ("file list tftp a ", ["page", "detail"]),
        ("file list tftp a b ", []),
        ("utils service restart Cisco T", ["Tftp", "Trust"]),
        ("utils service restart C", ["Cisco Tftp", "Cisco Trust"]),
        ("utils service restart Cisco ", ["Tftp", "Trust"]),
        ("show itl ", []),
        ("file get ", []),
    ],
)
def test_what_fits_at_the_end_of_a_line(line: str, texts: list[str]) -> None:
    assert [each.text for each in complete(GRAMMAR, NAMES, line)] == texts


def test_a_word_with_more_below_it_is_a_menu_and_says_what_is_there() -> None:
    found = complete(GRAMMAR, NAMES, "utils itl ")
    assert [(each.is_menu, each.help) for each in found] == [
        (True, "localkey"),
        (False, "Show it here too."),
    ]


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        (
            "utils itl",
            ["      reset*    localkey", "      show      Show it here too."],
        ),
        (
            "utils itl ",
            ["      reset*    localkey", "      show      Show it here too."],
        ),
        ("utils itl r", ["      reset*    localkey"]),
        ("show itl", ["Syntax:", "show itl"]),
        (
            "file list tftp",
            [
                "Syntax:",
                "file list tftp spec [options]",
                "spec      mandatory   file to view",
                "options   optional    page|detail",
                "      ITLFile.tlv",
                "      ITLRecovery.p12",
            ],
        ),
        ("foo", []),
    ],
)
def test_a_question_mark_explains(line: str, lines: list[str]) -> None:
    assert explain(GRAMMAR, NAMES, line) == lines


@pytest.mark.parametrize(
    ("line", "shared"),
    [("utils service restart Ci", "Cisco T"), ("", ""), ("sh", "show"), ("x", "")],
)
def test_tab_goes_as_far_as_all_agree(line: str, shared: str) -> None:
    assert shared_beginning(complete(GRAMMAR, NAMES, line)) == shared


@pytest.mark.parametrize("error", [ValueError, OSError, KeyError, RuntimeError])
def test_values_that_cannot_be_had_are_no_values(error: type[Exception]) -> None:
    def offer(context: object) -> Iterable[str]:
        raise error("x")

    @command("a <b>", candidates={"b": offer})
    def function(dialog: object, context: object, b: str) -> None:
        """Do nothing."""

    found = find_command(function)
    assert found is not None
    assert complete(Grammar([found]), None, "a ") == []
    assert explain(Grammar([found]), None, "a ")[0] == "Syntax:"


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (None, "      show    Show a very long list of things."),
        (50, "      show    Show a very long list of things."),
        (40, "      show    Show a very long list..."),
        (15, "      show"),
        (1, "      show"),
    ],
)
def test_help_is_cut_and_words_never_are(width: int | None, line: str) -> None:
    found = [Completion("show", is_menu=False, help="Show a very long list of things.")]
    assert listing(found, width) == [line]


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ("", ""),
        ("file list tftp", ""),
        ("file list tftp ", "spec [options]"),
        ("file list tftp a", ""),
        ("file list tftp a ", "[options]"),
        ("file list tftp a b", ""),
        ("utils service restart Cisco ", ""),
        ("foo ", ""),
    ],
)
def test_a_hint_says_which_values_are_missing(line: str, missing: str) -> None:
    assert hint(GRAMMAR, line) == missing


def offered(*values: str) -> list[Command]:
    @command("sign [spec...]", candidates={"spec": lambda _: values})
    def many(dialog: object, context: object, spec: str = "") -> None:
        """Sign."""

    @command("get <file>", candidates={"file": lambda _: values}, kinds={"file": FILE})
    def one(dialog: object, context: object, file: str) -> None:
        """Get."""

    found = map(find_command, (many, one))
    return [each for each in found if each is not None]


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("sign ", ["a.xml", "b.xml", "c d"]),
        ("sign a.xml ", ["b.xml", "c d"]),
        ("sign a.xml b", ["b.xml"]),
        ("sign nonsense ", []),
        ("sign c ", ["d"]),
        ("get ", ["a.xml", "b.xml", '"c d"']),
        ("get a.xml ", []),
        ("get c", []),
        ('get "', ['"a.xml"', '"b.xml"', '"c d"']),
        ('get "c ', ['"c d"']),
        ('get "c d" ', []),
    ],
)
def test_only_what_the_grammar_takes_is_offered(line: str, texts: list[str]) -> None:
    grammar = Grammar(offered("a.xml", "b.xml", "c d", "-x", "evil\x1b[1m"))
    assert [each.text for each in complete(grammar, None, line)] == texts
