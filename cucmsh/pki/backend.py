"""What use-cases do with keys, as one object: handed to them, so that they import none.

Apart from the modules whose functions it names, because a node can be given another
one: tests hand out small keys, which take a hundredth of the time to make.
"""

from __future__ import annotations

from cucmsh.pki.certificates import read_certificate, to_pem
from cucmsh.pki.credential import (
    Credential,
    make_credential,
    make_ssh_identity,
    read_own,
)
from cucmsh.pki.pem_key import is_pem_key, needs_password
from cucmsh.pki.pkcs12 import read_key_file, write_key_file
from cucmsh.pki.pkcs12_limits import inspect
from cucmsh.secret import Secret


class KeyBackend:
    """What the services do with keys and certificates; see the functions' modules."""

    make_credential = staticmethod(make_credential)
    make_ssh_identity = staticmethod(make_ssh_identity)
    read_own = staticmethod(read_own)
    read_certificate = staticmethod(read_certificate)
    to_pem = staticmethod(to_pem)
    inspect = staticmethod(inspect)
    is_pem_key = staticmethod(is_pem_key)
    needs_password = staticmethod(needs_password)

    @staticmethod
    def read_key_file(raw: bytes, password: Secret) -> Credential:
        """``pkcs12.read_key_file``, which takes the text of the password."""
        return read_key_file(raw, password.reveal())

    @staticmethod
    def write_key_file(credential: Credential, password: Secret) -> bytes:
        """``pkcs12.write_key_file``, which takes the text of the password."""
        return write_key_file(credential, password.reveal())
