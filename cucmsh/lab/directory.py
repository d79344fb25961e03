"""The lab's directory: whose it is, its lock, and the passwords made for it once.

Refuses a directory that is somebody else's, that holds other things, or that another
lab is using. ``lab.json`` (0600) is what ``--serve`` prints, passwords included.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import tempfile
from pathlib import Path
from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlsplit

from cucmsh.errors import CucmshError, MissingFileError, RefusedError, StoreError
from cucmsh.lab.conditions import BACKUP, PAGE
from cucmsh.lab.wanted import Wanted
from cucmsh.layout import LAB_FILE, LAB_LOCK
from cucmsh.storage.local import LocalStore

_OTHER = "Name another directory with --dir, or make the file say the same."
PASSWORD_BYTES = 15  # 120 bits, 20 characters


class LabDirectory:
    """A directory that this lab has for itself until ``close``.

    Args:
        named: the directory that was asked for; empty for a temporary one, which
            ``close`` removes with everything in it.
    """

    def __init__(self, named: str) -> None:
        self._is_temporary = not named
        try:
            if named:
                self.path = Path(named).absolute()
                _require_own(self.path)
            else:
                self.path = Path(tempfile.mkdtemp(prefix="cucmsh-lab-"))
            self._lock = os.open(
                self.path / LAB_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600
            )
        except OSError as problem:
            raise StoreError(f"{named or 'the lab'}: {problem.strerror}") from problem
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            os.close(self._lock)
            raise RefusedError(
                f"{self.path} is in use by another lab",
                "End that one, or name another directory.",
            ) from problem
        if named:
            try:
                _require_finished(self.path)
            except CucmshError:
                os.close(self._lock)
                raise
        self._store = LocalStore(str(self.path))
        self._known = self._read()

    @property
    def lock_descriptor(self) -> int:
        """For children, which must not inherit it."""
        return self._lock

    def password(self, name: str) -> str:
        """The password of that name, made once per directory."""
        passwords = self._known.setdefault("passwords", {})
        return str(passwords.setdefault(name, token_urlsafe(PASSWORD_BYTES)))

    def ports(self, name: str) -> dict[str, int]:
        """The ports that a node, or the backup server, had when the lab last ran."""
        ports = self._known.get("ports", {})
        return dict(ports.get(name, {})) if isinstance(ports, dict) else {}

    def require(self, wanted: Wanted) -> None:
        """Take the passwords that are wanted.

        Raises:
            RefusedError: keys were made here with others, or for other names.
        """
        publisher = self._known.get("publisher", wanted.names[0])
        if publisher != wanted.names[0]:
            raise RefusedError(
                f"the publisher of the lab in {self.path} is {publisher}, not "
                f"{wanted.names[0]}",
                _OTHER,
            )
        known = self._known.setdefault("passwords", {})
        for name, password in wanted.passwords.items():
            if known.setdefault(name, password) != password:
                raise RefusedError(
                    f"passwords.{name}: the lab in {self.path} has another one",
                    _OTHER,
                )

    def write(self, description: dict[str, Any]) -> None:
        """Keep what ``--serve`` prints."""
        self._store.write(LAB_FILE, (json.dumps(description) + "\n").encode())

    def close(self) -> None:
        if self._is_temporary:
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)

    def _read(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._store.read(LAB_FILE))
            kept["passwords"]["backup"] = kept["sftp"]["password"]
            nodes = [kept["publisher"], *kept["subscribers"]]
            ports = {
                node["name"]: {
                    service: int(about["port"])
                    for service, about in node.items()
                    if isinstance(about, dict)
                }
                for node in nodes
            }
            ports[BACKUP] = {"sftp": int(kept["sftp"]["port"])}
            if "web" in kept:  # earlier labs had no page
                port = urlsplit(kept["web"]["url"]).port or 0
                ports[PAGE] = {"web": port}
        except MissingFileError:
            return {}
        except (ValueError, KeyError, TypeError) as problem:
            raise StoreError(
                f"{self.path / LAB_FILE} is damaged",
                "Name another directory, or remove this one.",
            ) from problem
        return {
            "passwords": kept["passwords"],
            "publisher": nodes[0]["name"],
            "ports": ports,
        }


def _require_own(path: Path) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise StoreError(f"{path} is no directory")
    if found.st_uid != os.geteuid():
        raise RefusedError(
            f"{path} is somebody else's", "Name a directory of your own."
        )
    names = {entry.name for entry in path.iterdir()}
    if names and not names & {LAB_FILE, LAB_LOCK}:
        raise RefusedError(
            f"{path} holds other things, and no lab",
            "Name an empty directory, or one that a lab made.",
        )


def _require_finished(path: Path) -> None:
    """Only a lab makes its lock; one that was killed as it began has no file yet."""
    names = {entry.name for entry in path.iterdir()}
    if LAB_FILE not in names and names != {LAB_LOCK}:
        raise RefusedError(
            f"{path} holds a lab that was not finished: it was ended while it began",
            "Remove that directory, or name another one.",
        )
