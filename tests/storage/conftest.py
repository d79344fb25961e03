"""The stores that keep one contract."""

from tests.rigs.stores import local, openssh, sftp, stored

__all__ = ["local", "openssh", "sftp", "stored"]
