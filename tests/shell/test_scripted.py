import pytest

from cucmsh.errors import CancelledError
from cucmsh.shell.dialog import Dialog, EndOfInput
from cucmsh.shell.scripted import ScriptedDialog
from cucmsh.shell.terminal_dialog import TerminalDialog

AGAIN = "Please answer 'y' for <yes> or 'n' for <no>:"


def greet(dialog: Dialog) -> None:
    dialog.write("a")
    dialog.say("b")
    name = dialog.ask("Name: ")
    secret = dialog.ask_secret("Password:", mask="*")
    key = dialog.ask_key("Continue (y/n)?", "yn", AGAIN)
    dialog.say(f"{name} {secret.reveal() == 'xyz'} {key}")


def test_a_script_answers_in_order_and_keeps_what_was_said() -> None:
    answers = [("Name", " Ada "), ("word", "xyz"), ("(y/n)", "Maybe"), ("'y'", "Y")]
    with ScriptedDialog(answers) as dialog:
        greet(dialog)
    assert dialog.lines == [
        "ab",
        "Name: ",
        "Password:***",
        "Continue (y/n)?",
        AGAIN,
        "Ada True y",
        "",
    ]
    assert dialog.questions == ["Name: ", "Password:", "Continue (y/n)?", AGAIN]


def test_another_question_than_the_expected_one_fails() -> None:
    with pytest.raises(AssertionError, match="asked 'Name: ' instead of 'Age'"):
        greet(ScriptedDialog([("Age", "7")]))


def test_a_question_too_many_fails() -> None:
    with pytest.raises(AssertionError, match="no answer left"):
        greet(ScriptedDialog([("Name", "Ada")]))


def test_an_answer_left_over_fails() -> None:
    with (
        pytest.raises(AssertionError, match=r"never asked: \['Age'\]"),
        ScriptedDialog([("Name", "Ada"), ("Age", "7")]) as dialog,
    ):
        dialog.ask("Name: ")


def test_an_answer_may_be_an_ending() -> None:
    dialog = ScriptedDialog(
        [("a", CancelledError), ("b", EndOfInput("over")), ("c", KeyboardInterrupt)]
    )
    with pytest.raises(CancelledError, match="Control-C pressed"):
        dialog.ask("a")
    with pytest.raises(EndOfInput, match="over"):
        dialog.ask_secret("b")
    with pytest.raises(KeyboardInterrupt):
        dialog.ask_key("c", "yn", AGAIN)


def test_an_error_in_the_block_is_not_hidden_by_answers_left() -> None:
    with pytest.raises(ZeroDivisionError), ScriptedDialog([("a", "b")]):
        raise ZeroDivisionError


def test_both_dialogs_keep_the_one_protocol() -> None:
    dialogs: list[type[Dialog]] = [ScriptedDialog, TerminalDialog]
    assert len(dialogs) == 2  # mypy is the test
