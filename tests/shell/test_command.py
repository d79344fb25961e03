import pytest

from cucmsh.shell.command import Command, command, find_command


def declared(phrase: str, doc: str = "") -> Command:
    def function(dialog: object, context: object, *words: str) -> None:
        """Replaced below."""

    function.__doc__ = doc
    found = find_command(command(phrase)(function))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("phrase", "words", "parameters"),
    [
        ("show itl", (("show",), ("itl",)), ()),
        ("set x on|off", (("set",), ("x",), ("on", "off")), ()),
        ("get <a> [b]", (("get",),), (("a", True, False), ("b", False, False))),
        ("say <a...>", (("say",),), (("a", True, True),)),
        ("help [a...]", (("help",),), (("a", False, True),)),
    ],
)
def test_a_phrase_is_read_as_a_manual_prints_it(
    phrase: str,
    words: tuple[tuple[str, ...], ...],
    parameters: tuple[tuple[str, bool, bool], ...],
) -> None:
    found = declared(phrase)
    assert found.words == words
    assert [each[:3] for each in found.parameters] == list(parameters)


@pytest.mark.parametrize(
    "phrase",
    [
        "",
        " ",
        "a  b",
        "<a>",
        "a <b> c",
        "a <b",
        "a [b>",
        "a <>",
        "a |b",
        "a -b",
        "a <b...> <c>",
        "a [b] <c>",
        "a\tb",
        "a <b c>",
        "a <-b>",
    ],
)
def test_a_phrase_that_could_not_be_typed_is_a_mistake_of_the_pack(phrase: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        command(phrase)


def test_values_are_offered_for_parameters_only() -> None:
    with pytest.raises(ValueError, match="no parameter host"):
        command("a <b>", candidates={"host": lambda _: []})


def test_the_docstring_is_the_help() -> None:
    found = declared("a", "Do it.\n\n        First.\n          Deeper.\n\n        ")
    assert (found.summary, found.details) == ("Do it.", "First.\n  Deeper.")
    assert declared("a").summary == ""


def test_a_declared_function_is_still_itself() -> None:
    @command("a", changes=True, publisher_only=True)
    def function(dialog: object, context: object) -> int:
        return 3

    found = find_command(function)
    assert function(None, None) == 3
    assert found is not None
    assert found.function is function
    assert (found.changes, found.publisher_only) == (True, True)


def test_what_was_not_declared_is_no_command() -> None:
    assert find_command(declared) is None
    assert find_command("text") is None
