"""The whole room behind one door, for those who open it late. Adds nothing."""

from __future__ import annotations

from cucmsh.pki.certificates import read_certificate, to_pem
from cucmsh.pki.credential import make_credential, make_ssh_identity, read_own
from cucmsh.pki.pkcs12 import read_key_file, write_key_file
from cucmsh.pki.pkcs12_limits import inspect


class KeyBackend:
    """What the services do with keys and certificates; see the functions' modules."""

    make_credential = staticmethod(make_credential)
    make_ssh_identity = staticmethod(make_ssh_identity)
    read_own = staticmethod(read_own)
    read_certificate = staticmethod(read_certificate)
    to_pem = staticmethod(to_pem)
    inspect = staticmethod(inspect)
    read_key_file = staticmethod(read_key_file)
    write_key_file = staticmethod(write_key_file)
