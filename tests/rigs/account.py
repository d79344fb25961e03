"""The account that the nodes run as: our own, or a throw-away one that root makes.

Real nodes take a key for an account that is nobody special, and a permission that root
has cannot be lost. So as root a system account is made for this process and removed at
its end; it may log in with a key only.
"""

from __future__ import annotations

import os
import pwd
import random
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.rigs.waiting import until


def unused_uid() -> str:
    """A user id that neither this machine nor a box of another test has.

    Boxes with accounts of their own number theirs from 1000 on, too, and whatever runs
    under the id of an account that is removed is killed.
    """
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    free = (random.randrange(30_000, 60_000) for _ in range(1000))
    return str(next(uid for uid in free if uid not in taken))


class Account:
    """Whom the nodes' sshd runs as; ``remove`` ends its existence if we made it.

    Args:
        home: its home directory.
        is_ours: our own account, even as root.
    """

    def __init__(self, home: Path, *, is_ours: bool = False) -> None:
        self.is_made = os.geteuid() == 0 and not is_ours
        if self.is_made:
            self.name = f"cucmsh-rig-{os.urandom(4).hex()}"
            # The password "*" fits nothing; "!" would lock the account for keys too.
            words = ["useradd", "--uid", unused_uid(), "--no-create-home"]
            words += ["--home-dir", str(home)]
            words += ["--shell", "/bin/sh", "--password", "*", self.name]
            subprocess.run(words, check=True, capture_output=True)
            found = pwd.getpwnam(self.name)
        else:
            found = pwd.getpwuid(os.geteuid())
            self.name = found.pw_name
        self.uid, self.gid = found.pw_uid, found.pw_gid

    def owns(self, *paths: Path) -> None:
        for path in paths:
            os.chown(path, self.uid, self.gid)

    @property
    def before(self) -> list[str]:
        """The words that make what follows run as this account."""
        if not self.is_made:
            return []
        ids = [f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]
        return ["setpriv", *ids]

    def can_run(self, words: list[str]) -> bool:
        """Whether this account may run that program at all."""
        try:
            words = [*self.before, *words]
            done = subprocess.run(words, check=False, capture_output=True, cwd="/")
        except OSError:
            return False
        return done.returncode == 0

    def is_refused_a_write(self, folder: Path) -> bool:
        """Whether the kernel refuses this account a new file in ``folder``."""
        probe = folder / "may-i"
        words = ["/bin/sh", "-c", ': > "$0"', str(probe)]
        allowed = self.can_run(words)
        probe.unlink(missing_ok=True)
        return not allowed

    def remove(self) -> None:
        if self.is_made:
            self.remove_named(self.name, self.uid)

    @staticmethod
    def remove_named(name: str, uid: int) -> None:
        """End what runs as that account of ours, and the account.

        Workers that start at once find the same leftovers of a run that was killed. So
        what counts is that the account is gone, and not what userdel says of it, which
        another one may have come before or have locked out.
        """
        until(lambda: _has_ended(uid), f"processes of {name} do not end")
        until(lambda: _is_removed(name), f"the account {name} cannot be removed")


def _is_removed(name: str) -> bool:
    subprocess.run(["userdel", name], check=False, capture_output=True)
    try:
        pwd.getpwnam(name)
    except KeyError:
        return True
    return False


def _has_ended(uid: int) -> bool:
    """Whether nothing runs as that account; what does is killed."""
    found = False
    for entry in os.listdir("/proc"):
        with suppress(OSError):
            if entry.isdecimal() and os.stat(f"/proc/{entry}").st_uid == uid:
                os.kill(int(entry), signal.SIGKILL)
                found = True
    return not found
