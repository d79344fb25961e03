"""Key files that are handed over: what is known of them, and how they open."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from cucmsh.errors import (
    CertificateError,
    KeyFileError,
    MissingFileError,
    StoreError,
    WrongPasswordError,
)
from cucmsh.secret import Secret
from cucmsh.services.adoption.keys import (
    OpenedKey,
    certificates_in,
    open_key,
    read_certificate_file,
    read_key_file,
)
from cucmsh.services.adoption.sources import FoundList
from cucmsh.services.backends import Backends
from tests.services.adoption.elsewhere import (
    PASSWORD,
    Elsewhere,
    certificate_file,
)
from tests.services.made_cluster import QuickKeys, open_any_here


class _Keys:
    open_any_key_file = staticmethod(open_any_here)

    def keys(self) -> QuickKeys:
        return QuickKeys()


BACKENDS = cast(Backends, _Keys())


@pytest.fixture
def there(tmp_path: Path) -> Elsewhere:
    return Elsewhere(tmp_path / "tftp")


def found(there: Elsewhere) -> FoundList:
    trust_list = there.sealed()
    return FoundList("x", "ITLFile.tlv", trust_list.raw, trust_list, None, True)


def opened(there: Elsewhere, path: Path, password: str = "") -> OpenedKey:
    file = read_key_file(BACKENDS, str(path))
    known = certificates_in(BACKENDS, [found(there)])
    (key,) = open_key(BACKENDS, file, Secret(password), known)
    return key


def test_which_files_need_a_password(there: Elsewhere) -> None:
    plain = read_key_file(BACKENDS, str(there.key_file()))
    assert (plain.has_key, plain.needs_password) == (True, False)
    bundle = read_key_file(BACKENDS, str(there.pkcs12()))
    assert (bundle.has_key, bundle.needs_password) == (True, True)
    path = certificate_file(there.signer.certificate)
    bare = read_key_file(BACKENDS, str(path))
    assert (bare.has_key, bare.needs_password) == (False, False)
    with pytest.raises(KeyFileError, match=r"certificate and no key"):
        open_key(BACKENDS, bare, Secret(""))


@pytest.mark.parametrize("has_name", [True, False])
def test_a_key_alone_is_named_by_the_lists(there: Elsewhere, has_name: bool) -> None:
    key = opened(there, there.key_file(has_name=has_name))
    assert key.certificate == there.signer.certificate


def test_a_short_password_opens_and_a_wrong_one_is_said_to_be_wrong(
    there: Elsewhere,
) -> None:
    path = there.pkcs12()
    assert opened(there, path, PASSWORD).certificate == there.signer.certificate
    with pytest.raises(WrongPasswordError, match=f"^{path}: "):
        opened(there, path, "x")


def test_what_is_no_key_file_names_itself(there: Elsewhere, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    with pytest.raises(MissingFileError, match=f"^{nothing} is not there$"):
        read_key_file(BACKENDS, str(nothing))
    with pytest.raises(StoreError, match="is a directory"):
        read_key_file(BACKENDS, str(tmp_path))
    nothing.write_bytes(b"\n")
    with pytest.raises(KeyFileError, match="is empty"):
        read_key_file(BACKENDS, str(nothing))
    nothing.write_bytes(bytes(1 << 17))
    with pytest.raises(KeyFileError, match="131072 bytes"):
        read_key_file(BACKENDS, str(nothing))
    nothing.write_bytes(b"some text")
    file = read_key_file(BACKENDS, str(nothing))
    with pytest.raises(KeyFileError, match="no PKCS#12"):
        open_key(BACKENDS, file, Secret(""))


def test_certificates_come_as_pem_with_text_around_and_as_der(
    there: Elsewhere, tmp_path: Path
) -> None:
    certificate = there.signer.certificate
    path = certificate_file(certificate)
    path.write_bytes(b"subject=CN=old\n" + path.read_bytes())
    assert read_certificate_file(BACKENDS, str(path)) == certificate
    path.write_bytes(certificate.der)
    assert read_certificate_file(BACKENDS, str(path)) == certificate
    path.write_bytes(b"none")
    with pytest.raises(CertificateError, match=f"^{path}: "):
        read_certificate_file(BACKENDS, str(path))
