"""A whole box for logins: its own /etc, /usr/local/bin, /opt, /var/lib, /home and /srv.

A mount namespace in which root runs what `cucmsh init --sshd` prints, on the paths that
it prints: the accounts, the programs, the drop-in are the shipped ones, and gone with
the namespace. Python and the packages are those of the test environment, mounted where
the production chapter has them: a login may be able to read them, and not to write.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from tests.faults.namespace import Namespace
from tests.rigs.keys import make_key
from tests.rigs.loopback import LOOPBACK, free_port
from tests.rigs.sshd import SshdDaemon

SECURITY, CCM = "one long security password", "the application administrator"
PYTHON = "/opt/cucmsh/bin/python"
CUCMSH = "/usr/local/bin/cucmsh"
LOGIN = "/usr/local/bin/cucmsh-login"
ADMIN, FORCED = "admin", "forced"
TFTPD = "/usr/sbin/in.tftpd"
SETTINGS = "/etc/cucmsh/cucmsh.toml"
OWN = "/usr/local/bin /opt /var/lib /home /srv /etc"  # /etc is a copy
MAKE = f"""
set -eu
umask 022
mount -t tmpfs -o mode=755 rig /mnt
mkdir /mnt/base /mnt/packages
mount --bind "$1" /mnt/base
mount --bind "$2" /mnt/packages
# Another test may be making an account: its lock files come and go.
cp -a /etc /mnt/etc 2>/dev/null || test -s /mnt/etc/passwd
rm -f /mnt/etc/*.lock
for folder in {OWN}; do
    mkdir -p "/mnt$folder"
    mount --bind "/mnt$folder" "$folder"
done
lib=/opt/cucmsh/lib/python{sys.version_info.major}.{sys.version_info.minor}
mkdir -p /opt/base /opt/cucmsh/bin $lib/site-packages
mount --bind /mnt/base /opt/base
mount --bind /mnt/packages $lib/site-packages
for package in cucmsh commands paramiko nacl; do  # copies: tests spoil them
    cp -a /mnt/packages/$package /mnt/$package
    mount --bind /mnt/$package $lib/site-packages/$package
done
umount /mnt/base /mnt/packages
ln -s "/opt/base/bin/$3" {PYTHON}
printf 'home = /opt/base/bin\\ninclude-system-site-packages = false\\n' \\
    > /opt/cucmsh/pyvenv.cfg
# An interpreter in the home of root is not found by others; nor is its library.
echo /opt/base/lib > /etc/ld.so.conf.d/00-base.conf
sed -i '1i include /etc/ld.so.conf.d/00-base.conf' /etc/ld.so.conf
ldconfig
rm -f /etc/ssh/sshd_config.d/*
ssh-keygen -A >/dev/null
mkdir -p /run/sshd
"""


CARELESS = """\
AcceptEnv *
PermitUserEnvironment yes
UsePAM yes
"""


class Box:
    """The box, a publisher on it, and two sshds: with the drop-in, and without any.

    The account ``admin`` has our login program as its shell. ``forced`` has /bin/sh,
    and our program as its forced command only.

    Args:
        folder: for keys and logs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = folder / "key"
        self._public = make_key(self.key)
        self._namespace = Namespace().__enter__()
        base, packages = sys.base_prefix, sysconfig.get_path("purelib")
        name = f"python{sys.version_info.major}.{sys.version_info.minor}"
        self.root(["sh", "-c", MAKE, "sh", base, packages, name])
        for user in (ADMIN, FORCED):
            # On this box nobody but systemd's polkit would let cucmsh restart TFTP.
            words = ["init", "--sshd", "--user", user, "--service", "systemd:tftpd-hpa"]
            self.root(["sh"], self.root([PYTHON, "-I", "-m", "cucmsh", *words]))
            path = f"/var/lib/cucmsh-logins/{user}/.ssh/authorized_keys"
            self.put(path, f"{self._public}\n")
        self.root(["usermod", "--shell", "/bin/sh", FORCED])
        words = [CUCMSH, "init", "publisher", "--name", "pub", "--secrets-fd", "0"]
        words += ["--restart", "true", "--status", "true", "--domain", "example.org"]
        tftp = f"{LOOPBACK}:{free_port()}"
        words += ["--tftp", tftp]
        self.node(words, f"{SECURITY}\n{CCM}\n")
        self.node([CUCMSH, "hook", "tftp-start"])
        self._tftp = subprocess.Popen(
            self.inside([TFTPD, "-L", "-4", "-a", tftp, "-s", "/srv/tftp"]),
            stdin=subprocess.DEVNULL,
        )
        self.root(["sh", "-c", "grep -v ^Include /etc/ssh/sshd_config > /etc/plain"])
        self.put("/etc/careless", CARELESS)
        self.shipped = self.sshd()
        self.plain = self.sshd("-f", "/etc/plain")

    def close(self) -> None:
        self.shipped.close()
        self.plain.close()
        self._tftp.kill()
        self._tftp.wait()
        self._namespace.__exit__()

    def ssh(
        self,
        user: str,
        *words: str,
        port: int = 0,
        stdin: str = "",
        program: str = "ssh",
    ) -> subprocess.CompletedProcess[str]:
        """OpenSSH's client; ``words`` follow the options that every call needs."""
        return subprocess.run(
            [program, *self.options(port, program), "-o", f"User={user}", *words],
            input=stdin,
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )

    def options(self, port: int = 0, program: str = "ssh") -> list[str]:
        flag = "-p" if program == "ssh" else "-P"
        options = [
            "-F",
            "none",
            "-i",
            str(self.key),
            flag,
            str(port or self.shipped.port),
        ]
        known = self.folder / "known_hosts"
        for setting in (
            *("BatchMode=yes", "IdentitiesOnly=yes", "LogLevel=ERROR"),
            *("StrictHostKeyChecking=accept-new", f"UserKnownHostsFile={known}"),
        ):
            options += ["-o", setting]
        return options

    def inside(self, words: Sequence[str]) -> list[str]:
        return self._namespace.words(list(words))

    def try_root(self, words: Sequence[str], stdin: str = "") -> tuple[int, str]:
        done = subprocess.run(
            self.inside(words),
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            check=False,
            text=True,
            cwd="/",
        )
        return done.returncode, done.stdout

    def root(self, words: Sequence[str], stdin: str = "") -> str:
        status, said = self.try_root(words, stdin)
        assert status == 0, f"{shlex.join(words)}: {said}"
        return said

    def node(self, words: Sequence[str], stdin: str = "") -> str:
        """As the node's account."""
        who = ["setpriv", "--reuid=cucmsh", "--regid=cucmsh", "--clear-groups"]
        return self.root([*who, *words], stdin)

    def put(self, path: str, text: str, mode: str = "644") -> None:
        """A file of root's."""
        self.root(["sh", "-c", 'cat > "$0" && chmod "$1" "$0"', path, mode], text)

    def sshd(self, *options: str, before: Sequence[str] = ()) -> SshdDaemon:
        """An sshd of the box.

        Args:
            options: of sshd.
            before: words in front of its argv, such as a tracer's.
        """
        log = self.folder / "sshd.log"
        return SshdDaemon(options, log, lambda words: self.inside([*before, *words]))

    def careless(self) -> SshdDaemon:
        """A server that takes every variable of everybody."""
        return self.sshd("-f", "/etc/careless")
