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
from cucmsh.pki.received import (
    chain_of,
    is_issued_by,
    nature_of,
    read_received,
    require_usual_size,
    require_valid,
)
from cucmsh.pki.requests import make_request, pair_with, read_request
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
    make_request = staticmethod(make_request)
    read_request = staticmethod(read_request)
    pair_with = staticmethod(pair_with)
    read_received = staticmethod(read_received)
    nature_of = staticmethod(nature_of)
    chain_of = staticmethod(chain_of)
    is_issued_by = staticmethod(is_issued_by)
    require_valid = staticmethod(require_valid)
    require_usual_size = staticmethod(require_usual_size)

    @staticmethod
    def read_key_file(raw: bytes, password: Secret) -> Credential:
        """``pkcs12.read_key_file``, which takes the text of the password."""
        return read_key_file(raw, password.reveal())

    @staticmethod
    def write_key_file(credential: Credential, password: Secret) -> bytes:
        """``pkcs12.write_key_file``, which takes the text of the password."""
        return write_key_file(credential, password.reveal())
