"""A lab phone's flash: it outlives its phone, and what is damaged counts as gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cucmsh.errors import StoreError
from cucmsh.lab.phones.flash import Boot, Flash, Memory
from cucmsh.layout import FLASH_CONFIGURATION, FLASH_STATE
from cucmsh.phones.configuration import Configuration
from cucmsh.phones.facts import Alarm, StatusLine
from cucmsh.phones.families import ListKind

FULL = Memory(
    is_plugged=False,
    clock_offset=-5,
    servers={"ITLFile.tlv": "pub.example"},
    status=(StatusLine(1, "ITL installed"),),
    alarms=(Alarm(2, 3, "none", "ab"), Alarm(3, 8, "none", "ab", "", "pub.example")),
    untold=(Alarm(3, 8, "none", "ab", "", "pub.example"),),
    boots=(Boot(3, "power on"),),
)
PLAIN = b"<device><vendorConfig><webAccess>1</webAccess></vendorConfig></device>"


def test_what_is_kept_is_there_again(tmp_path: Path) -> None:
    flash = Flash(tmp_path / "phone")
    assert flash.memory() == Memory()
    assert flash.configuration() == Configuration()
    assert flash.list_of(ListKind.ITL) is None
    flash.keep_memory(FULL)
    flash.keep_configuration(PLAIN)
    again = Flash(tmp_path / "phone")
    assert again.memory() == FULL
    assert again.configuration().settings == (("webAccess", "1"),)
    assert not list((tmp_path / "phone").glob("*.new"))


def test_a_configuration_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    flash = Flash(tmp_path)
    flash.keep_configuration(PLAIN)
    before = (tmp_path / FLASH_CONFIGURATION).stat()
    flash.keep_configuration(PLAIN)
    assert (tmp_path / FLASH_CONFIGURATION).stat() == before


def test_erased_lists_are_gone(tmp_path: Path) -> None:
    flash = Flash(tmp_path)
    flash.keep_list(ListKind.ITL, b"x")
    flash.erase_lists()
    flash.erase_lists()
    assert not (tmp_path / "ITLFile.tlv").exists()


@pytest.mark.parametrize(
    "state",
    [
        *(b"", b"null", b"[]", b"{}", b"\xff", b"[" * 100_000),
        json.dumps({**FULL._asdict(), "status": [1]}).encode(),
        json.dumps({**FULL._asdict(), "clock_offset": "soon"}).encode(),
        json.dumps({**FULL._asdict(), "status": [[1 << 70, "a"]]}).encode(),
        json.dumps({**FULL._asdict(), "servers": []}).encode(),
        json.dumps({**FULL._asdict(), "boots": [[1, 2, 3]]}).encode(),
        b'{"clock_offset": 1e999}',
        json.dumps({**FULL._asdict(), "clock_offset": float("inf")}).encode(),
    ],
)
def test_a_damaged_state_is_that_of_a_new_phone(tmp_path: Path, state: bytes) -> None:
    flash = Flash(tmp_path)
    (tmp_path / FLASH_STATE).write_bytes(state)
    assert flash.memory() == Memory()


@pytest.mark.parametrize("raw", [b"", b"no list", bytes(5000)])
def test_a_damaged_list_is_none(tmp_path: Path, raw: bytes) -> None:
    flash = Flash(tmp_path)
    flash.keep_list(ListKind.CTL, raw)
    assert flash.list_of(ListKind.CTL) is None


def test_a_flash_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError):
        Flash(tmp_path / "file" / "phone")
    flash = Flash(tmp_path / "phone")
    (tmp_path / "phone" / "phone.json.new").mkdir()
    with pytest.raises(StoreError):
        flash.keep_memory(Memory())
