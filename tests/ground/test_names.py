"""Names that are taken in: what they may be, and in which form they are meant."""

from __future__ import annotations

import string
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsh.errors import NamingError
from cucmsh.names import (
    check_domain,
    check_full_name,
    check_host_name,
    format_subject,
    parse_subject,
    read_subject,
)


@pytest.mark.parametrize(
    ("subject", "understood"),
    [
        ("", {}),
        ("O=example", {"O": "example"}),
        (" OU=it ; O = Example GmbH & Co. KG;C=US", None),
        ("O=O'Neil (Lab 1)/x:y-z?", None),
        ("O=Käserei;ST=Zürich;C=ch", None),
        ("O=" + "x" * 64 + ";L=" + "y" * 128 + ";ST=" + "z" * 128, None),
    ],
)
def test_subject_is_understood_part_by_part(
    subject: str, understood: dict[str, str] | None
) -> None:
    found = parse_subject(subject)
    if understood is not None:
        assert found == understood
    assert parse_subject(format_subject(found)) == found


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("OU=it,O=example,C=US", "holds a comma"),
        ("O=Example, Inc.;C=US", "holds a comma"),
        ("OU=it+O=example", "holds a comma"),
        ("OU=it O=example", "holds a comma, [+] or ="),
        ("/C=US/O=example", "no part of a certificate subject"),
        ('O="example";C=US', "holds quotes"),
        ("O='example'", "holds quotes"),
        ("O=exam\\,ple", "holds a comma"),
        ("O=exam\\ple", "holds quotes or a backslash"),
        ("O=example;;C=US", "has an empty part"),
        ("O=example;", "has an empty part"),
        (";", "has an empty part"),
        ("O=", "is empty"),
        ("O", "no part of"),
        ("o=example", "no part of"),
        ("DC=example", "no part of"),
        ("O=a;O=b", "has O twice"),
        ("CN=me;O=example", "holds a CN"),
        ("C=USA", "two letters"),
        ("C=U1", "two letters"),
        ("C=\u00df\u00df", "two letters"),
        ("O=" + "x" * 65, "has 65 characters, and X.520 bounds O to 64"),
        ("OU=" + "x" * 65, "bounds OU to 64"),
        ("L=" + "x" * 129, "bounds L to 128"),
        ("ST=" + "x" * 129, "bounds ST to 128"),
        ("O=a\x1b[2Jb", "cannot be printed"),
    ],
)
def test_subject_of_another_form_is_refused_with_the_form(
    subject: str, reason: str
) -> None:
    with pytest.raises(NamingError, match=reason) as refusal:
        parse_subject(subject)
    assert refusal.value.exit_status == 2
    has_form = "OU=it;O=example;L=city;ST=state;C=US" in refusal.value.advice
    assert has_form or "Leave it out" in refusal.value.advice


@pytest.mark.parametrize(
    "subject",
    ["OU=it,O=example,C=US", "O=Example, Inc.;C=US", 'O="a";C=US', "O=" + "x" * 70],
)
def test_subject_that_stands_in_certificates_is_still_read(subject: str) -> None:
    # An earlier version took it; the node must open, and its keys can be renewed.
    assert format_subject(read_subject(subject)).count("=") == subject.count("=")
    with pytest.raises(NamingError):
        parse_subject(subject)


@pytest.mark.parametrize(
    ("domain", "reason", "form"),
    [
        (".example.org", "begins with a dot", "example.org"),
        ("example.org.", "ends with a dot", "example.org"),
        ("example..org", "two dots in a row", "example.org"),
        (".", "begins with a dot", "example.org"),
        ("exa_mple.org", "other characters", "example.org"),
        ("exa mple.org", "other characters", "example.org"),
        ("-x.example.org", "hyphen at an end", "example.org"),
        ("x-.example.org", "hyphen at an end", "example.org"),
        ("x" * 64 + ".org", "more than 63", "example.org"),
        ("m\u00fcller.example", "other characters", "example.org"),
    ],
)
def test_domain_of_another_form_is_refused_with_the_form(
    domain: str, reason: str, form: str
) -> None:
    with pytest.raises(NamingError, match=reason) as refusal:
        check_domain(domain)
    assert refusal.value.advice == f"Write it as {form}."


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is empty"),
        ("pub.example.org", "holds a dot"),
        ("pub.", "holds a dot"),
        (".pub", "holds a dot"),
        ("-pub", "hyphen"),
        ("pub-", "hyphen"),
        ("not_a_name", "other characters"),
        ("x" * 64, "more than 63"),
    ],
)
def test_host_name_is_one_label(name: str, reason: str) -> None:
    with pytest.raises(NamingError, match=reason):
        check_host_name(name)


def test_names_that_are_fine_pass() -> None:
    for domain in ("", "lab", "example.org", "xn--mller-kva.example", "1.2"):
        check_domain(domain)
    for name in ("pub", "PUB-1", "1", "x" * 63):
        check_host_name(name)


def test_name_too_long_for_the_recovery_certificate_is_told_in_these_words() -> None:
    check_full_name("x" * 52)
    with pytest.raises(NamingError) as refusal:
        check_full_name("x" * 53)
    assert "has 53 characters: ITLRECOVERY_ before it" in refusal.value.message
    assert "bounds to 64, so 52 are left" in refusal.value.message


@pytest.mark.thorough
@given(st.text(string.printable + "äß\0"))
def test_any_text_is_taken_or_refused(text: str) -> None:
    for check in (check_host_name, check_domain, parse_subject):
        with suppress(NamingError):
            check(text)
