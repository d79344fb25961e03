"""T11: what a value may be is declared, and held before the command is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsh.errors import UsageError
from cucmsh.shell import parameter_types as kinds
from cucmsh.shell.command import command, find_command
from cucmsh.shell.grammar import Grammar, quoted
from cucmsh.shell.parameter_types import ParameterType

FITS = [
    (kinds.HOST, "host.example:2222"),
    (kinds.HOST, "[2001:db8::9]:22"),
    (kinds.HOST, "::1"),
    (kinds.USER, "backup"),
    (kinds.USER, "DOMAIN\\jörg.s@example"),
    *((kinds.USER, text) for text in ("vault@svc%corp@host", "svc#corp", "a;$(id)")),
    (kinds.PATH, "/C:/Users/50%#1\\x"),
    (kinds.PATH, "/srv/../backup/ITLRecovery.p12"),
    (kinds.FILE, "SEP001122334455.cnf.xml"),
    (kinds.FILE, "Desktops/320x212x12/List.xml"),
    (kinds.FILE, "SEP*.cnf.?ml"),
    (kinds.NUMBER, "30"),
    (kinds.NAME, "CallManager/CallManager.pem"),
    (kinds.WORD, "ünïcode;|&$()"),
    (kinds.TEXT, "x" * 1000),
]
DOES_NOT = [
    *((kinds.HOST, text) for text in ("user@host", "a;b", "$(id)", "fe80::1%eth0")),
    *((kinds.HOST, text) for text in ("é", "a/b", "a*", "`id`", "h" * 256)),
    (kinds.USER, "u" * 256),
    *((kinds.FILE, text) for text in ("../x", "/etc/passwd", "a/../b", "a//b", "./a")),
    *((kinds.FILE, text) for text in ("..", ".", "a/", "f" * 256)),
    *((kinds.NUMBER, text) for text in ("-1", "1e9", "0x1", "٣", "1" * 256, "1;")),
    *((kinds.NAME, text) for text in ("a;b", "$x", "a|b", "n" * 256)),
    (kinds.WORD, "w" * 256),
]


def grammar_for(kind: ParameterType, phrase: str = "show <value>") -> Grammar:
    @command(phrase, kinds={"value": kind})
    def show(dialog: object, context: object, value: str) -> None:
        """Show it."""

    found = find_command(show)
    assert found is not None
    return Grammar([found])


@pytest.mark.parametrize(("kind", "value"), FITS)
def test_a_value_of_its_kind_is_taken_as_it_is(kind: ParameterType, value: str) -> None:
    assert grammar_for(kind).parse(f"show {value}").arguments == (value,)


@pytest.mark.parametrize(("kind", "value"), DOES_NOT)
def test_a_value_of_another_kind_is_refused_by_the_parameters_name(
    kind: ParameterType, value: str
) -> None:
    with pytest.raises(UsageError, match=r"The parameter value must") as caught:
        grammar_for(kind).parse(f"show {value}")
    assert value not in caught.value.message or len(value) < 3


@pytest.mark.parametrize("line", ["show a -b", "show -a", "show a --", "show a -"])
def test_no_word_of_a_rest_begins_with_a_dash(line: str) -> None:
    with pytest.raises(UsageError, match="must not begin with a dash"):
        grammar_for(kinds.TEXT, "show <value...>").parse(line)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (kinds.USER, "jane doe"),
        (kinds.PATH, "/CUCM Backup/ITLRecovery.p12"),
        (kinds.PATH, " /its 2 blanks "),
        (kinds.FILE, "Ring List.xml"),
        (kinds.USER, 'a "b" c'),
    ],
)
def test_a_value_with_blanks_stands_in_quotes(kind: ParameterType, value: str) -> None:
    assert grammar_for(kind).parse(f"show {quoted(value)}").arguments == (value,)


@pytest.mark.parametrize("kind", [kinds.HOST, kinds.NAME, kinds.NUMBER, kinds.WORD])
def test_quotes_let_no_blank_into_a_value_of_one_word(kind: ParameterType) -> None:
    with pytest.raises(UsageError, match="must be"):
        grammar_for(kind).parse('show "a b"')


def test_quotes_hide_no_dash() -> None:
    with pytest.raises(UsageError, match="must not begin with a dash"):
        grammar_for(kinds.PATH).parse('show "-oProxyCommand=x y"')


def test_a_quoted_word_of_several_holds_no_blank() -> None:
    grammar = grammar_for(kinds.FILE, "show <value...>")
    assert grammar.parse('show "a" b').arguments == ("a b",)
    with pytest.raises(UsageError, match="must not hold a blank"):
        grammar.parse('show "a b" c')


def test_a_kind_is_declared_for_a_parameter_that_is_there() -> None:
    with pytest.raises(ValueError, match="no parameter nothing"):
        command("show <value>", kinds={"nothing": kinds.WORD})


@pytest.mark.thorough
@given(st.sampled_from(FITS), st.text())
def test_whatever_is_typed_the_kind_decides_or_the_line_is_refused(
    fitting: tuple[ParameterType, str], value: str
) -> None:
    kind = fitting[0]
    try:
        call = grammar_for(kind).parse(f"show {value}")
    except UsageError:
        return
    (taken,) = call.arguments
    assert kind.fits(taken)
    typed = value.strip(" ")
    unquoted = typed[1:-1].replace('""', '"') if typed.startswith('"') else typed
    assert taken == unquoted
    assert taken.isprintable()
    assert " " not in taken or typed.startswith('"')
    assert not taken.startswith("-")
