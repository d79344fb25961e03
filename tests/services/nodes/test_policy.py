"""What a cluster security password has to be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsh.errors import RefusedError
from cucmsh.secret import Secret
from cucmsh.services.nodes.password_policy import require_strong


@pytest.mark.parametrize(
    "password",
    [
        "one long security password",
        "correct horse battery",
        "Tr0ub4dor&3-Tr1cky",
        "kqzw7vmx2jrtyc",
        "'\"$`\\;|&<>()[]{}~",
    ],
)
def test_long_and_varied_passwords_are_taken(password: str) -> None:
    require_strong(Secret(password))


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "fewer than 14 characters"),
        ("kqzw7vmx2jrty", "fewer than 14 characters"),
        ("aaaaaaaaaaaaaaaaaaaa", "fewer than 6 different"),
        ("abababababAABBABAB", "fewer than 6 different"),
        ("secret1secret1secret1", "simple pattern"),
        ("password!password!pass", "simple pattern"),
        ("12345678901234", "simple pattern"),
        ("abcdefghijklmnop", "simple pattern"),
        ("ponmlkjihgfedcba", "simple pattern"),
        ("aaaaaaaaaabcdefx9", "simple pattern"),
        (" one long password", "a blank"),
        ("one long password\t", "every keyboard"),
        ("one long\npassword", "every keyboard"),
        ("one long\0password", "every keyboard"),
        ("ein längeres Passwort", "every keyboard"),
        ("one long \udcff password", "every keyboard"),
    ],
)
def test_weak_passwords_are_refused_with_the_reason(password: str, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason) as refused:
        require_strong(Secret(password))
    assert refused.value.advice


@pytest.mark.thorough
@given(st.text(), st.text())
def test_any_text_is_taken_or_refused_and_never_shown(first: str, second: str) -> None:
    mark = "Zq~7"  # stands in no message, as a word that was typed by chance may
    shown = ""
    try:
        require_strong(Secret(first + mark + second))
    except RefusedError as refused:
        shown = refused.message + refused.advice
    assert mark not in shown
