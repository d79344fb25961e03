"""Lists that phones hold, from files, directories and TFTP servers."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import cast

import pytest

from cucmsh.config.model import TftpAddress
from cucmsh.errors import (
    ConnectionFailedError,
    CucmshError,
    MissingFileError,
    RefusedError,
    StoreError,
    UsageError,
)
from cucmsh.pki.verify import SignatureVerifier
from cucmsh.services.adoption.sources import FoundList, read_sources
from cucmsh.services.backends import Backends
from cucmsh.storage.local import LocalStore
from tests.services.adoption.elsewhere import Elsewhere


class Served:
    """Verifies, and reads a folder as a TFTP server would give it."""

    def __init__(self, folder: Path) -> None:
        self._store = LocalStore(str(folder))
        self.asked: list[tuple[TftpAddress, str]] = []

    def verifier(self) -> SignatureVerifier:
        return SignatureVerifier()

    def read_back(self, address: TftpAddress, name: str) -> bytes:
        if address.host == "silent":
            raise ConnectionFailedError("no answer")
        self.asked.append((address, name))
        return self._store.read(name)


@pytest.fixture
def there(tmp_path: Path) -> Elsewhere:
    return Elsewhere(tmp_path / "tftp")


def read(
    there: Elsewhere, *adopted: object, held: tuple[object, ...] = ()
) -> tuple[FoundList, ...]:
    backends = cast(Backends, Served(there.folder))
    return read_sources(backends, map(str, adopted), map(str, held))


def refused(there: Elsewhere, *adopted: object) -> CucmshError:
    with pytest.raises(CucmshError) as refusal:
        read(there, *adopted)
    return refusal.value


def test_a_file_is_a_list_whatever_it_is_called(there: Elsewhere) -> None:
    path = there.serve(name="saved-in-2019")
    (found,) = read(there, path)
    assert (found.place, found.name) == (str(path), "ITLFile.tlv")
    assert found.signer is not None
    assert found.signer.certificate == there.signer.certificate.der
    assert found.may_give
    assert not found.is_ctl


def test_a_directory_has_both_lists_and_nothing_else_is_read(there: Elsewhere) -> None:
    there.serve()
    there.serve(there.sealed(name="CTLFile.tlv"))
    (there.folder / "old.tlv").write_bytes(b"no list")
    itl, ctl = read(there, there.folder)
    assert (itl.name, ctl.name) == ("ITLFile.tlv", "CTLFile.tlv")
    assert ctl.is_ctl


def test_of_a_directory_with_held_lists_all_are_read(there: Elsewhere) -> None:
    there.serve()
    other = there.sealed(there.second)
    there.serve(other, "2019.tlv")
    found = read(there, held=(there.folder,))
    assert [Path(each.place).name for each in found] == ["ITLFile.tlv", "2019.tlv"]
    assert not any(each.may_give for each in found)


def test_a_list_that_is_named_twice_counts_once_and_may_give(there: Elsewhere) -> None:
    path = there.serve()
    (found,) = read(there, path, there.folder, held=(path,))
    assert found.may_give


def test_tftp_is_asked_for_both_names(there: Elsewhere) -> None:
    there.serve()
    backends = Served(there.folder)
    where = ["tftp://old.example:6969/"]
    (found,) = read_sources(cast(Backends, backends), where)
    assert found.place == "tftp://old.example:6969/ITLFile.tlv"
    address = TftpAddress("old.example", 6969)
    assert backends.asked == [(address, "ITLFile.tlv"), (address, "CTLFile.tlv")]


def test_a_tftp_server_without_a_list_or_an_answer_is_refused(
    there: Elsewhere,
) -> None:
    problem = refused(there, "tftp://old.example")
    assert isinstance(problem, MissingFileError)
    assert "old.example:69 has neither ITLFile.tlv nor CTLFile.tlv" in problem.message
    assert isinstance(refused(there, "tftp://silent"), ConnectionFailedError)
    assert isinstance(refused(there, "tftp://a b"), UsageError)


def test_a_file_of_no_bytes_is_no_list(there: Elsewhere) -> None:
    (there.folder / "CTLFile.tlv").touch()
    itl, ctl = read(there, there.serve(), there.folder)
    assert itl.trust_list is not None
    assert (ctl.name, ctl.trust_list, ctl.signer) == ("CTLFile.tlv", None, None)


def test_a_list_that_does_not_verify_is_refused(there: Elsewhere) -> None:
    path = there.serve()
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    problem = refused(there, path)
    assert isinstance(problem, RefusedError)
    assert problem.message.startswith(f"{path} does not verify: ")
    assert "cucmsh verify" in problem.advice


@pytest.mark.parametrize("raw", [b"text", b"\x01\x00\x02", bytes(1 << 17)])
def test_what_is_no_list_is_refused(there: Elsewhere, raw: bytes) -> None:
    path = there.folder / "ITLFile.tlv"
    path.write_bytes(raw)
    problem = refused(there, there.folder)
    assert isinstance(problem, StoreError)
    assert str(path) in problem.message


def test_what_is_not_there_is_named(there: Elsewhere) -> None:
    nothing = there.folder / "nothing"
    assert refused(there, nothing).message == f"{nothing} is not there"
    empty = there.folder / "empty"
    empty.mkdir()
    assert "neither ITLFile.tlv nor CTLFile.tlv" in refused(there, empty).message


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_place_without_rights_is_named(
    there: Elsewhere, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = there.serve()
    shut = str(there.folder) if what == "folder" else path.name
    opening = os.open

    def refusing(name: str, flags: int, mode: int = 0o777, **how: int) -> int:
        if name == shut:
            raise PermissionError(errno.EACCES, "Permission denied")
        return opening(name, flags, mode, **how)

    monkeypatch.setattr(os, "open", refusing)
    for place in (there.folder, path):
        problem = refused(there, place)
        assert "Permission denied" in problem.message
        assert "mode" in problem.advice
