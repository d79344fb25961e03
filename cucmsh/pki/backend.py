"""What use-cases do with keys, as one object: handed to them, so that they import none.

Apart from the modules whose functions it names, because a node can be given another
one: tests hand out small keys, which take a hundredth of the time to make.
"""

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
