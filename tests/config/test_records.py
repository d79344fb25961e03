"""``[[cluster.records]]``: what is read, what is refused, and how rows are added."""

from __future__ import annotations

import pytest

from cucmsh.config.editing import with_records
from cucmsh.config.model import ROLE_CODES, FurtherRecord
from cucmsh.config.settings import parse_settings
from cucmsh.errors import ConfigurationError
from cucmsh.trustlist.tags import Role
from tests.config.test_settings import LEAST

PATH = "/etc/cucmsh/cucmsh.toml"
# A frame is all that the reader looks at.
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\n"
HEAD = "[cluster]\nsast_records = 3\n"


def text(*rows: str, head: str = "") -> str:
    records = "".join(f"[[cluster.records]]\n{row}\n" for row in rows)
    return LEAST.replace("[[cluster.nodes]]", f"{head}[[cluster.nodes]]") + records


def row(role: str, pem: str = PEM) -> str:
    return f'role = {role}\ncertificate = """\n{pem}"""'


@pytest.mark.parametrize(
    ("role", "code"),
    [('"ccm"', 1), ('"CCM+TFTP"', 2), ('"tftp"', 3), ('"app"', 7), ("9", 9)],
)
def test_role_is_a_name_or_a_number(role: str, code: int) -> None:
    settings = parse_settings(text(row(role)).encode(), PATH)
    assert settings.cluster.records == (FurtherRecord(code, PEM),)


def test_every_role_of_lists_has_a_name() -> None:
    """The two rooms are strangers to each other, so each has the numbers."""
    assert sorted(ROLE_CODES.values()) == sorted(Role)


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        (row('"boss"'), "cluster.records[0].role"),
        (row("true"), "cluster.records[0].role"),
        (row("70000"), "cluster.records[0].role"),
        (row('"tftp"', "none"), "cluster.records[0].certificate"),
        (row('"tftp"', PEM + PEM), "cluster.records[0].certificate"),
        (row('"tftp"', PEM.replace("BBBB", "B")), "cluster.records[0].certificate"),
        (
            row('"tftp"', PEM.replace("CERTIFICATE", "PRIVATE KEY")),
            "cluster.records[0].certificate",
        ),
        ('role = "tftp"', "cluster.records[0].certificate"),
    ],
)
def test_a_wrong_record_names_its_key(wrong: str, key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_settings(text(wrong).encode(), PATH)
    assert f"{PATH}: {key}:" in caught.value.message


def test_a_third_security_token_is_asked_for_by_a_setting() -> None:
    with pytest.raises(ConfigurationError, match="would name 3 System") as caught:
        parse_settings(text(row('"sast"')).encode(), PATH)
    assert "sast_records = 3" in caught.value.advice
    allowed = parse_settings(text(row('"sast"'), head=HEAD).encode(), PATH)
    assert allowed.cluster.sast_records == 3
    with pytest.raises(ConfigurationError, match="would name 4 System"):
        parse_settings(text(row('"sast"'), row("0"), head=HEAD).encode(), PATH)


@pytest.mark.parametrize("number", ["1", "4", "true", '"2"'])
def test_a_list_may_name_two_or_three(number: str) -> None:
    wrong = text(head=f"[cluster]\nsast_records = {number}\n")
    with pytest.raises(ConfigurationError, match=r"cluster\.sast_records"):
        parse_settings(wrong.encode(), PATH)


def test_rows_are_added_once_and_read_back() -> None:
    records = [FurtherRecord(3, PEM), FurtherRecord(9, PEM)]
    once = with_records("# mine\n" + LEAST, PATH, records)
    assert once.startswith("# mine\n")
    assert parse_settings(once.encode(), PATH).cluster.records == tuple(records)
    assert with_records(once, PATH, records) == once


def test_the_number_of_tokens_is_raised_and_never_lowered() -> None:
    records = [FurtherRecord(0, PEM)]
    raised = with_records(text(), PATH, records, 3)
    assert parse_settings(raised.encode(), PATH).cluster.sast_records == 3
    assert with_records(raised, PATH, records, 2) == raised
