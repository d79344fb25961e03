"""The ways into one lab's `admin:` through SSH, and what every client does there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import paramiko

from cucmsh.testing import Lab

SHOWN = "The ITL file was verified successfully."
REGEN = "set cert regen ipsec"
REGENERATED = "Successfully Regenerated Certificate for ipsec."
RESET = "utils itl reset localkey"
RESTARTED = "Cisco Tftp service restarted on host test10sub"
GET = "file get tftp ITLRecovery.p12"
SENT = "Transfer completed."
UNPAGED = "Automatic pagination is turned off"
CANCELLED = "Control-C pressed"


class Door(NamedTuple):
    """A server that gives `admin:`; either the password or the key opens it."""

    lab: Lab
    host: str
    port: int
    user: str
    password: str
    key: str
    known_hosts: Path

    @property
    def answers(self) -> list[tuple[str, str]]:
        """The questions of `file get`, in their order, and our answers."""
        backup = self.lab.backup
        return [
            ("SFTP server IP: ", backup.host),
            ("SFTP server port [22]: ", str(backup.port)),
            ("User ID: ", backup.user),
            ("Password: ", backup.password),
            ("Download directory: ", str(backup.directory)),
            ("continue connecting (yes/no)? ", "yes"),
        ]

    @property
    def ssh(self) -> list[str]:
        """OpenSSH's client, to be driven by programs that start one."""
        settings = [
            f"UserKnownHostsFile={self.known_hosts}",
            "StrictHostKeyChecking=yes",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "NumberOfPasswordPrompts=1",
        ]
        words = ["ssh", "-F", "/dev/null", "-p", str(self.port)]
        words += [word for one in settings for word in ("-o", one)]
        words += ["-i", self.key] if self.key else []
        return [*words, f"{self.user}@{self.host}"]

    def paramiko_client(self) -> paramiko.SSHClient:
        """paramiko's client, logged in."""
        client = paramiko.SSHClient()
        client.load_host_keys(str(self.known_hosts))
        client.connect(
            self.host,
            self.port,
            self.user,
            self.password or None,
            key_filename=self.key or None,
            look_for_keys=False,
            allow_agent=False,
        )
        return client

    def serial(self) -> str:
        """The ipsec certificate's bytes, to see that it was made anew."""
        home = self.lab.publisher.home
        return (home / "security/ipsec/ipsec.pem").read_text()

    def wait_five_minutes(self) -> None:
        """As far as the hold timer knows; and the backup server is a stranger again."""
        for name in ("hold.toml", "known_hosts"):
            (self.lab.publisher.home / "state" / name).unlink(missing_ok=True)

    def check(self, before: str) -> None:
        """What the client did is done, and not only said."""
        assert self.serial() != before
        saved = self.lab.backup.directory / "ITLRecovery.p12"
        kept = self.lab.publisher.home / "security/ITLRecovery/ITLRecovery.p12"
        assert saved.read_bytes() == kept.read_bytes()
        lists = [
            (node.tftp_directory / "ITLFile.tlv").read_bytes()
            for node in (self.lab.publisher, *self.lab.subscribers)
        ]
        assert len(set(lists)) == 1


def as_pattern(question: str) -> str:
    """For clients that take regular expressions."""
    return re.escape(question)
