import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cucmsh.errors import CommandClashError, UsageError
from cucmsh.shell.command import Command, command, find_command
from cucmsh.shell.grammar import Grammar
from cucmsh.shell.parameter_types import PATH
from tests.rigs.work import assert_linear

FAILED = "Executed command unsuccessfully"
NO_COMMAND = f"{FAILED}\nNo valid command entered"


def declared(phrase: str) -> Command:
    names = {"user", "path"} if "remotekey" in phrase else set()

    @command(phrase, kinds=dict.fromkeys(names, PATH))
    def function(dialog: object, context: object, *words: str) -> None:
        """Do nothing."""

    function.__qualname__ = f"made for {phrase}"
    found = find_command(function)
    assert found is not None
    return found


GRAMMAR = Grammar(
    map(
        declared,
        [
            "show itl",
            "show cert list own|trust",
            "show cert <unit>",
            "set cli pagination on|off",
            "utils itl reset localkey",
            "utils itl reset remotekey <host> <user> <path>",
            "utils service start|stop <service...>",
            "file list tftp <spec> [options]",
            "help [command...]",
        ],
    )
)


@pytest.mark.parametrize(
    ("line", "phrase", "arguments"),
    [
        ("show itl", "show itl", ()),
        ("  show   itl  ", "show itl", ()),
        ("set cli pagination off", "set cli pagination on|off", ("off",)),
        ("show cert CallManager", "show cert <unit>", ("CallManager",)),
        ("show cert list own", "show cert list own|trust", ("own",)),
        (
            "utils itl reset remotekey 10.1.1.9:22 joe a/b.p12",
            "utils itl reset remotekey <host> <user> <path>",
            ("10.1.1.9:22", "joe", "a/b.p12"),
        ),
        (
            "utils service start  Cisco   Tftp",
            "utils service start|stop <service...>",
            ("start", "Cisco Tftp"),
        ),
        ("file list tftp *", "file list tftp <spec> [options]", ("*",)),
        ("file list tftp * page", "file list tftp <spec> [options]", ("*", "page")),
        (
            'utils itl reset remotekey h "jane doe"  "/CUCM ""1"" %41#\\/b.p12" ',
            "utils itl reset remotekey <host> <user> <path>",
            ("h", "jane doe", '/CUCM "1" %41#\\/b.p12'),
        ),
        (
            'utils itl reset remotekey h o\'brien /a"b"/c',
            "utils itl reset remotekey <host> <user> <path>",
            ("h", "o'brien", '/a"b"/c'),
        ),
        (
            'utils service start "Cisco Tftp"',
            "utils service start|stop <service...>",
            ("start", "Cisco Tftp"),
        ),
        ('file list tftp """"', "file list tftp <spec> [options]", ('"',)),
        ("help", "help [command...]", ()),
        ("help utils itl", "help [command...]", ("utils itl",)),
    ],
)
def test_a_line_becomes_a_call(
    line: str, phrase: str, arguments: tuple[str, ...]
) -> None:
    call = GRAMMAR.parse(line)
    assert (call.command.phrase, call.arguments) == (phrase, arguments)


@pytest.mark.parametrize(
    "line",
    [
        "",
        " ",
        "foo",
        "SHOW itl",
        "sho itl",
        "show it",
        "show itl2",
        "set cli x",
        "set cli pagination maybe",
        "utils itl reset localkeys",
        "'show' itl",
        "ls;id",
        "`id`",
        "$(id)",
        "cd () bash",
        "\u00e9",
        "utils itl -v",
        "foo bar",
    ],
)
def test_unknown_input_gets_the_originals_two_lines(line: str) -> None:
    with pytest.raises(UsageError) as caught:
        GRAMMAR.parse(line)
    assert caught.value.message == NO_COMMAND


@pytest.mark.parametrize(
    ("line", "mandatory", "optional"),
    [
        ("show itl now", 0, 0),
        ("show itl; id", 0, 0),
        ("show cert", 1, 0),
        ("show cert a b", 1, 0),
        ("utils itl reset remotekey h u", 3, 0),
        ("utils itl reset remotekey h u p more", 3, 0),
        ("utils service start", 1, 0),
        ("file list tftp", 1, 1),
        ("file list tftp a b c", 1, 1),
    ],
)
def test_a_wrong_count_gets_the_originals_line(
    line: str, mandatory: int, optional: int
) -> None:
    if line == "show itl; id":  # the semicolon is part of an unknown word
        expected = NO_COMMAND
    else:
        expected = (
            f"Expected {mandatory} mandatory and up to {optional} "
            f"non-mandatory parameter(s)\n{FAILED}"
        )
    with pytest.raises(UsageError) as caught:
        GRAMMAR.parse(line)
    assert caught.value.message == expected


@pytest.mark.parametrize(
    ("line", "is_paged"),
    [
        ("utils service list page", True),
        ("utils service list", False),
        ("utils service list pages", False),
        ("utils cut on page", True),
        ("utils cut page", False),  # a value of another name
        ("utils cut page off", False),
    ],
)
def test_option_page_asks_for_pages(line: str, is_paged: bool) -> None:
    phrases = ("utils service list [page]", "utils cut <what> [page]")
    parsed = Grammar(map(declared, phrases)).parse(line)
    assert parsed.wants_pages == is_paged


@pytest.mark.parametrize("line", ["show", "utils itl", "set cli pagination"])
def test_an_incomplete_line_names_what_may_follow(line: str) -> None:
    with pytest.raises(UsageError) as caught:
        GRAMMAR.parse(line)
    assert caught.value.message.startswith("The command is incomplete. After '")
    assert caught.value.message.endswith(f"\n{FAILED}")


@pytest.mark.parametrize(
    "line",
    [
        "show cert -rf",
        "utils service stop -x y",
        "help --all",
        "utils itl reset remotekey -oProxyCommand=x joe p",
    ],
)
def test_a_parameter_with_a_leading_dash_is_refused(line: str) -> None:
    with pytest.raises(UsageError, match="must not begin with a dash"):
        GRAMMAR.parse(line)


@pytest.mark.parametrize(
    "value", ['"', '"a', '"a""', '"a"b', '"""', '"a b', '"a"" b', '""a"']
)
def test_quotes_that_are_not_closed_are_refused(value: str) -> None:
    with pytest.raises(UsageError, match="quotes around the parameter spec"):
        GRAMMAR.parse(f"file list tftp {value}")


def test_an_empty_value_is_refused() -> None:
    with pytest.raises(UsageError, match="The parameter unit must not be empty"):
        GRAMMAR.parse('show cert ""')


def test_quotes_stand_around_values_only() -> None:
    for line in ('"show" itl', 'show "itl"', '"show itl"'):
        with pytest.raises(UsageError) as caught:
            GRAMMAR.parse(line)
        assert caught.value.message == NO_COMMAND


@pytest.mark.parametrize(
    "char", list("\x00\t\n\r\v\f\x1b\x7f\x85\x9b\u2028\u2029\u202e\u200b\udcff")
)
def test_a_line_with_a_character_that_cannot_be_shown_is_refused_whole(
    char: str,
) -> None:
    for line in (f"show itl{char}", f"{char}show itl", f"help a{char}show itl"):
        with pytest.raises(UsageError, match="cannot be shown"):
            GRAMMAR.parse(line)


def test_a_line_may_be_1024_characters_and_no_more() -> None:
    line = "help " + "x" * 1019
    assert GRAMMAR.parse(line).arguments == ("x" * 1019,)
    with pytest.raises(UsageError, match="longer than 1024 characters"):
        GRAMMAR.parse(f"{line}x")


@pytest.mark.thorough
@settings(max_examples=5 * settings().max_examples)
@given(st.text(max_size=60) | st.from_regex(r'(show|utils|itl|cert|help| |"|-|a)*'))
def test_any_line_is_a_call_or_a_usage_error_that_ends_the_original_way(
    line: str,
) -> None:
    said = _said_about(line)
    assert said == "" or FAILED in said.split("\n")
    assert "admin:" not in said


def _said_about(line: str) -> str:
    """Return the refusal, or nothing for a call whose words are those of the line."""
    try:
        call = GRAMMAR.parse(line)
    except UsageError as error:
        return error.message
    if '"' not in line:
        assert " ".join(line.split()).endswith(" ".join(call.arguments))
    return ""


@pytest.mark.parametrize(
    "line",
    [
        "a " * 512,
        "help " + "a " * 509,
        "x" * 10**6,
        "utils " * 170,
        " " * 1024,
        '"' * 1024,
    ],
)
def test_the_worst_lines_take_linear_work(line: str) -> None:  # T14
    assert_linear(lambda raw: GRAMMAR.parse(raw.decode()), line.encode(), UsageError)


@pytest.mark.parametrize(
    ("one", "another"),
    [("a b", "a b"), ("a <b>", "a [c]"), ("a x|y", "a y"), ("a x|y", "a z|x <c>")],
)
def test_two_commands_with_one_phrase_are_refused_by_both_names(
    one: str, another: str
) -> None:
    with pytest.raises(CommandClashError) as caught:
        Grammar([declared(one), declared(another)])
    assert f"made for {one}" in caught.value.message
    assert f"made for {another}" in caught.value.message


@pytest.mark.parametrize(
    ("line", "is_help"),
    [
        ("", True),
        ("ut", True),
        ("utils", True),
        ("utils ", True),
        ("utils itl re", True),
        ("show itl ", True),
        ("file list tftp ", True),
        ("file list tftp a", False),
        ("file list tftp a b", False),
        ("what", False),
        ("help ut", False),
        ('file list tftp "a b', False),
        ('file list tftp "a ', False),
        ('file list tftp "a" ', True),
    ],
)
def test_a_question_mark_asks_for_help_except_within_a_value(
    line: str, is_help: bool
) -> None:
    assert GRAMMAR.is_help_request(line) is is_help


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("show ITL", "show itl"),
        ("SHOW itl", "show itl"),
        ("Show Itl", "show itl"),
        ("Show", "show"),
    ],
)
def test_a_command_in_another_case_is_told_how_it_is_written(
    line: str, meant: str
) -> None:
    with pytest.raises(UsageError) as refused:
        GRAMMAR.parse(line)
    hint = f"Commands are lower case; did you mean `{meant}`?"
    assert refused.value.advice == hint


def test_a_word_that_no_case_makes_one_of_ours_gets_no_hint() -> None:
    with pytest.raises(UsageError) as refused:
        GRAMMAR.parse("SHOWW ITL")
    assert not refused.value.advice
