"""A mount namespace of our own: small disks, other ``/etc/hosts``, read-only folders.

As root a plain one; as an ordinary user inside a user namespace, in which we are root
for mounting, and ourselves again for what runs. A process in it holds it open; what is
mounted there is seen from outside through ``/proc``. Where the kernel allows neither
this fails and says so: a fault that was not injected was not tested.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Self

PAGE = 4096


class Namespace:
    """A context; mounts vanish with it."""

    def __init__(self) -> None:
        self._is_root = os.geteuid() == 0
        ours = [] if self._is_root else ["--user", "--map-root-user"]
        words = ["unshare", "--mount", *ours, "/bin/sh", "-c", "echo ready; read -r x"]
        self._holder = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"ready\n", (
            "no mount namespace: the kernel allows this account none, so faults of "
            "the disk cannot be injected here; run the tests as root"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._holder.stdin is not None
        assert self._holder.stdout is not None
        self._holder.stdin.close()
        self._holder.wait()
        self._holder.stdout.close()

    def words(self, words: list[str]) -> list[str]:
        """The argv that runs ``words`` inside, as the account that we are."""
        if self._is_root:
            return [*self._enter(), *words]
        ids = [f"--map-user={os.getuid()}", f"--map-group={os.getgid()}"]
        return [*self._enter(), "unshare", "--user", *ids, *words]

    def run(self, *words: str, stdin: bytes = b"") -> None:
        """As the one who may mount."""
        done = subprocess.run(
            [*self._enter(), *words], input=stdin, check=False, capture_output=True
        )
        assert done.returncode == 0, f"{words}: {done.stderr.decode()}"

    def _enter(self) -> list[str]:
        words = ["nsenter", f"--target={self._holder.pid}", "--mount"]
        return words if self._is_root else [*words, "--user", "--preserve-credentials"]

    def path(self, inside: Path) -> Path:
        """Where we see from outside what is at ``inside`` in there."""
        return Path(f"/proc/{self._holder.pid}/root{inside}")

    def small_disk(self, folder: Path, pages: int) -> None:
        """A tmpfs over ``folder`` with a copy of what is in it.

        Args:
            folder: the mount point.
            pages: its size, of 4 KiB each; one may hold a file or a folder.
        """
        about = folder.stat()
        options = f"size={pages * PAGE},mode={about.st_mode & 0o7777:o}"
        if self._is_root:
            options += f",uid={about.st_uid},gid={about.st_gid}"
        owner = "--same-owner" if self._is_root else "--no-same-owner"
        archive = subprocess.run(
            ["tar", "-C", str(folder), "-c", "."], check=True, capture_output=True
        ).stdout
        self.run("mount", "-t", "tmpfs", "-o", options, "rig", str(folder))
        self.run("tar", "-C", str(folder), "-x", "-p", owner, stdin=archive)

    def fill(self, folder: Path, pages_left: int) -> Path:
        """Write a file until so many pages are free; gives where it is, inside."""
        filler = folder / "filler"
        free = os.statvfs(self.path(folder)).f_bavail
        size = (free - pages_left) * PAGE
        self.run("/bin/sh", "-c", f'head -c {size} /dev/zero > "$0"', str(filler))
        assert os.statvfs(self.path(folder)).f_bavail == pages_left
        return filler

    def hosts(self, text: str) -> None:
        """Other names for addresses, for whoever runs inside."""
        self.run("mount", "-t", "tmpfs", "-o", "size=64k", "rig", "/mnt")
        self.run("/bin/sh", "-c", "cat > /mnt/hosts", stdin=text.encode())
        self.run("mount", "--bind", "/mnt/hosts", "/etc/hosts")
