"""The lab's SSH server: real log-ins, terminals, commands and SFTP on 127.0.0.1.

It refuses to listen on anything but a loopback address. It is built on paramiko's
server side, which was not made for hostile networks: one Python thread decrypts each
connection, there is no privilege separation and no account of the system behind a
log-in; everything runs as the user who started the lab. In production OpenSSH does
this work.

Host key and key exchange for older clients (docs/clients.md C4): an RSA host key signs
with SHA-2 (paramiko dropped ``ssh-rsa`` with SHA-1). ``diffie-hellman-group14-sha256``
is always there; ``diffie-hellman-group-exchange-sha256`` only where a moduli file is,
``/etc/ssh/moduli``, which Debian's openssh-server brings. CBC ciphers (3DES is one of
them) and MD5 are not offered: the same clients know AES in counter mode, and SHA-1 or
SHA-2 as MAC.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import socket
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import paramiko

from cucmsh.errors import RefusedError, StoreError
from cucmsh.lab.accounts import Account
from cucmsh.lab.ssh_connection import Connection, ReplyWatcher

LOGIN_GRACE = 30.0
"""Seconds in which a client must have logged in."""

_HOST_KEY_BITS = 2048
_MOST_CONNECTIONS = 64
_LOG = "cucmsh.lab.ssh"
logging.getLogger(_LOG).addHandler(logging.NullHandler())
logging.getLogger(_LOG).propagate = False


def host_key(path: Path) -> paramiko.PKey:
    """The private key in ``path``; an RSA key of 2048 bits is made if there is none.

    Raises:
        StoreError: it can be neither read nor written, or is no unencrypted key.
    """
    try:
        if not path.exists():
            _write_host_key(path)
        return paramiko.RSAKey.from_private_key_file(str(path))
    except (OSError, ValueError, paramiko.SSHException) as error:
        raise StoreError(f"The SSH host key {path} cannot be used: {error}.") from error


def _write_host_key(path: Path) -> None:
    key = paramiko.RSAKey.generate(_HOST_KEY_BITS)
    half = path.with_name(f"{path.name}.new")  # a crash leaves no half key
    half.unlink(missing_ok=True)
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        key.write_private_key(stream)
        stream.flush()
        os.fsync(stream.fileno())
    half.replace(path)


class SshServer:
    """An SSH server with accounts of its own.

    Args:
        listener: bound to a loopback address by the caller; closed by ``stop``.
        host_key: the server's private key.
        accounts: who may log in.
        environment: what every process gets; TERM is added on a terminal.

    Raises:
        RefusedError: the listener is reachable from outside of this machine.
    """

    def __init__(
        self,
        listener: socket.socket,
        host_key: paramiko.PKey,
        accounts: Sequence[Account],
        environment: Mapping[str, str],
    ) -> None:
        self.host, self.port = listener.getsockname()[:2]
        if not ipaddress.ip_address(self.host).is_loopback:
            raise RefusedError("The lab's SSH server listens on loopback only.")
        self._listener = listener
        self._key = host_key
        self._accounts = {account.name: account for account in accounts}
        self._environment = dict(environment)
        self._closing = threading.Event()
        # the accepting thread's until that has ended, then stop's
        self._transports: dict[threading.Thread, paramiko.Transport] = {}
        self._accepting = threading.Thread(
            target=self._accept, name=f"ssh-accept-{self.port}", daemon=True
        )

    @property
    def fingerprint(self) -> str:
        """The host key's, as OpenSSH shows it: ``SHA256:...``."""
        return self._key.fingerprint

    @property
    def public_key_line(self) -> str:
        """The host key as a line ``type base64``."""
        return f"{self._key.get_name()} {self._key.get_base64()}"

    def start(self) -> None:
        """Serve, in threads. Returns when clients can connect."""
        paramiko.Transport.load_server_moduli()
        self._listener.listen(_MOST_CONNECTIONS)
        self._accepting.start()

    def stop(self) -> None:
        """Close the listener and every session; end and reap their processes."""
        self._closing.set()
        with contextlib.suppress(OSError):  # wakes the accepting thread
            self._listener.shutdown(socket.SHUT_RDWR)
        if self._accepting.is_alive():
            self._accepting.join()
        self._listener.close()
        for transport in self._transports.values():
            transport.close()
        for thread in self._transports:
            thread.join()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed, or out of descriptors: then a moment's rest
                self._closing.wait(0.1)
                continue
            serving = self._transports.items()
            self._transports = {t: end for t, end in serving if t.is_alive()}
            if len(self._transports) >= _MOST_CONNECTIONS:
                client.close()
            else:
                self._welcome(client)

    def _welcome(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = paramiko.Transport(client, packetizer_class=ReplyWatcher)
        transport.set_log_channel(_LOG)
        transport.add_server_key(self._key)
        options = transport.get_security_options()
        options.ciphers = [name for name in options.ciphers if "cbc" not in name]
        options.digests = [name for name in options.digests if "md5" not in name]
        serving = threading.Thread(
            target=self._serve, args=(transport,), name="ssh-connection", daemon=True
        )
        self._transports[serving] = transport
        serving.start()

    def _serve(self, transport: paramiko.Transport) -> None:
        connection = Connection(self._accounts, self._environment, self._closing)
        if isinstance(transport.packetizer, ReplyWatcher):
            transport.packetizer.answered = connection.answered
        # With an event it returns at once; the hand-shake is the transport's thread.
        transport.start_server(threading.Event(), connection)
        if self._closing.is_set():  # stop() may have come just before
            transport.close()
        transport.join(LOGIN_GRACE)
        if not transport.is_authenticated():
            transport.close()
        transport.join()
        connection.join()
