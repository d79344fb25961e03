"""Walks the production chapter on booted Debian machines.

    .venv-test/bin/python -m tests.roots.walk ROOT... [--old SOURCES]

Each ROOT is a fresh Debian root of its own, for instance

    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,iproute2,procps,\
        less,passwd,libpam-systemd,ca-certificates,netbase bookworm ROOT
    chroot ROOT apt-get update

and is not changed: five machines boot on overlays of it, a publisher, a subscriber, two
replicas (tftpd-hpa and dnsmasq), and a desk with the administrator's ssh and an SFTP
server. The commands are read out of docs/production.md and typed. Then follow
reboots, broken hooks, a silent replica and a publisher that is built anew; with --old
also the upgrade from an earlier build, the way back, and the removal. Prints a line for
each thing that was looked at and exits 1 if one did not hold; all that was typed and
printed is in walk.log. Needs root, and a package archive for apt-get and pip.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import pexpect

from tests.rigs.longer_check import exit_with
from tests.roots.boxes import JOBS, Answers, Box, Done, Hub, hub
from tests.roots.chapter import PRODUCTION, REBUILDING, commands

PROJECT = Path(__file__).parents[2]
ADDRESSES = {
    "pub": ("10.0.0.2/8", "fd00::2/64"),
    "sub": ("10.1.1.3/8", "fd00::3/64"),
    "branch1": ("10.2.1.2/8", "fd00::12/64"),
    "branch2": ("10.2.1.3/8", "fd00::13/64"),
    "desk": ("10.9.0.1/8", "fd00::91/64"),
}
HOSTS = "".join(
    f"{address.partition('/')[0]} {name} {name}.example.org\n"
    for name, both in ADDRESSES.items()
    for address in both
)
SECURITY, CCM, ADMIN, FIRST = (
    *("violet otter lamp 77 bridge", "ccm-Admin-Passw0rd"),
    *("admin-Passw0rd-1", "first-Login-1"),
)
YES = ("(yes/no)? ", "yes")
TO_CCM = ("CCM Administrator password :", CCM)
PASSWORDS = [("assword", SECURITY)] * 2 + [("assword", CCM)] * 2 + [YES]
READ = """
import sys
from cucmsh.config.model import TftpAddress
from cucmsh.tftp.client import read_back
sys.stdout.buffer.write(read_back(TftpAddress(sys.argv[1], 69), sys.argv[2], 5))
"""
PHONE = "SEP001122334455.cnf.xml"
MAKE_PHONE = f"echo '<device><name>{PHONE}</name></device>' > /srv/tftp/{PHONE}"


class Walk:
    """One cluster on one Debian root."""

    def __init__(
        self, wire: Hub, base: Path, folder: Path, source: Path, old: Path | None
    ) -> None:
        self.old = old
        self.chapter = commands(PRODUCTION)
        self.log = folder / "walk.log"
        self.source = source
        self.looked = self.failures = 0
        self.hub = wire
        self.base = base
        self.folder = folder
        self.boxes = {name: self.box(name) for name in ADDRESSES}

    def box(self, name: str) -> Box:
        where = (self.hub, name, self.base, self.folder)
        return Box(*where, addresses=ADDRESSES[name], hosts=HOSTS, log=self.log)

    def __getitem__(self, name: str) -> Box:
        return self.boxes[name]

    def check(self, what: str, holds: object, detail: str = "") -> None:
        self.looked += 1
        self.failures += not holds
        word = "ok  " if holds else "FAIL"
        line = f"{word} {self.base.name}: {what}"
        if not holds and detail:
            line += "\n     " + detail.strip().replace("\n", "\n     ")
        print(line, flush=True)
        with self.log.open("a") as log:
            log.write(f"==== {line}\n")

    def do(self, box: str, command: str, answers: Answers = ()) -> Done:
        """Type it; it is expected to do its work."""
        if command.startswith("apt-get ") and " && " in command:
            first, _, command = command.partition(" && ")
            self.do(box, first)  # with the network of the host, and the rest without
        done = self[box].type(command, answers)
        first = command.splitlines()[0]
        self.check(f"{box}# {first}", done.status == 0, done.text)
        return done

    def step(self, box: str, key: str, answers: Answers = (), **changes: str) -> None:
        """All commands below one bold heading, with words exchanged."""
        words = {"DIRECTORY_OF_THIS_README": "/root/src"} | changes
        for command in self.chapter[key]:
            typed = command
            for old, new in words.items():
                typed = typed.replace(old, new)
            self.do(box, typed, answers)

    def copy_source(self, box: str, source: Path) -> None:
        there = self[box].path("/root/src")
        shutil.rmtree(there, ignore_errors=True)
        shutil.copytree(source, there)

    def tftp(self, where: str, name: str) -> bytes:
        """What a phone at the desk gets from a box, or an address."""
        enter = ["nsenter", "--net", "--target", str(self["desk"].pid)]
        address = ADDRESSES.get(where, (where,))[0].partition("/")[0]
        done = subprocess.run(
            [*enter, sys.executable, "-c", READ, address, name],
            capture_output=True,
            check=False,
        )
        return done.stdout if done.returncode == 0 else b""

    def at_prompt(self, *lines: str, answers: Answers = ()) -> str:
        """What the shell of ``ssh admin@pub``, from the desk, says to these lines."""
        enter = self["desk"].enter()
        words = ["ssh", "-o", "StrictHostKeyChecking=accept-new", "admin@pub"]
        child = pexpect.spawn(enter[0], [*enter[1:], *words], 120, encoding="utf-8")
        child.expect_exact("password: ")
        child.sendline(ADMIN)
        text = ""
        for line in (*lines, "quit"):
            child.expect_exact("admin:")
            text += child.before or ""
            child.sendline(line)
            left = list(answers)
            while line != "quit":
                wanted = [question for question, _ in left]
                found = child.expect_exact([*wanted, "admin:"])
                text += child.before or ""
                if found == len(wanted):
                    child.sendline("")
                    break
                text += wanted[found]
                child.sendline(left.pop(found)[1])
        child.expect(pexpect.EOF)
        child.close()
        text = text.replace("\r\n", "\n")
        with self.log.open("a") as log:
            log.write(f"\n[ssh admin@pub] {lines}\n{text}\n")
        return text

    def all_of(self, stages: Iterable[str]) -> None:
        """These, on new disks."""
        for box in self.boxes.values():
            box.wipe()
            box.boot()
        for name in stages:
            self.stage(name)

    def close(self) -> None:
        for box in self.boxes.values():
            box.stop()

    def stage(self, name: str) -> None:
        """One part; what breaks it off is told, and the next is tried."""
        began = time.monotonic()
        try:
            getattr(self, name)()
        except (AssertionError, pexpect.ExceptionPexpect, OSError) as problem:
            self.check(f"{name} goes to its end", holds=False, detail=str(problem))
        print(f"     ({name}: {time.monotonic() - began:.0f} s)", flush=True)

    # The chapter's steps.

    def program_pub(self) -> None:
        self.program("pub")

    def every_box(self) -> None:
        for name in ("pub", "sub", "branch1"):
            self.step(name, "1")
        self.do("desk", "apt-get install -y openssh-server")
        self.do("desk", f"useradd -m joe && echo joe:{FIRST} | chpasswd")

    def program(self, box: str) -> None:
        self.copy_source(box, self.source)
        answers = [("assword: ", ADMIN), ("assword: ", ADMIN)]
        self.step(box, "2", answers)

    def publisher(self) -> None:
        self.do("pub", MAKE_PHONE)
        self.step("pub", "3", PASSWORDS)
        for where in ("10.0.0.2", "fd00::2"):
            held = self.tftp(where, "ITLFile.tlv")
            self.check(
                f"tftp://{where}/ITLFile.tlv is a list", held.startswith(b"\1\0")
            )
        self.check("the phone's file is signed", self.tftp("pub", f"{PHONE}.sgn"))

    def replica(self) -> None:
        self.do("branch1", MAKE_PHONE)  # plain files are not brought
        self.do("branch1", f"echo cucmsh:{FIRST} | chpasswd")
        self.step("pub", "4", [YES, ("Password", FIRST)])
        self.do("branch1", "passwd -l cucmsh")
        self.same_everywhere("pub", "branch1")

    def same_everywhere(self, first: str, *others: str) -> None:
        ours = self.tftp(first, "ITLFile.tlv")
        for other in others:
            same = ours and self.tftp(other, "ITLFile.tlv") == ours
            self.check(f"{other} serves the list of {first}", same)

    def reset_and_backup(self) -> None:
        text = self.at_prompt("utils itl reset localkey", answers=[TO_CCM])
        self.check("a reset reaches all", "pending" not in text, text)
        self.back_up()
        self.doctor("pub", "need TVS")

    def back_up(self) -> None:
        text = self.at_prompt(
            "file get tftp ITLRecovery.p12",
            answers=[
                *[("[y/n]? ", "y"), ("SFTP server IP: ", "fd00::91")],
                *[("port [22]: ", ""), ("User ID: ", "joe"), ("Password: ", FIRST)],
                *[("Download directory: ", "/home/joe"), YES],
            ],
        )
        self.check("the key is backed up", "Transfer completed." in text, text)

    def dnsmasq(self) -> None:
        # A prepared root may have it.
        self["branch2"].type("systemctl stop tftpd-hpa; systemctl disable tftpd-hpa")
        self.step("branch2", "dnsmasq")
        self.do("branch2", MAKE_PHONE)
        self.do("branch2", f"echo cucmsh:{FIRST} | chpasswd")
        self.add("branch2", "--host 10.2.1.3 --service sudo:dnsmasq")
        self.same_everywhere("pub", "branch2")

    def ipv6(self) -> None:
        """The same replica once more, by its other address."""
        self.do("pub", "sudo -u cucmsh cucmsh node remove branch1", [YES])
        self.do("branch1", f"usermod -p '' cucmsh; echo cucmsh:{FIRST} | chpasswd")
        self.add("branch1", "--host fd00::12 --tftp '[fd00::12]:69'")
        done = self.do("pub", "sudo -u cucmsh cucmsh node list")
        self.check("an IPv6 address is shown", "[fd00::12]:22" in done.text, done.text)
        self.do("pub", "systemctl restart tftpd-hpa")
        self.settle("pub")
        self.same_everywhere("pub", "branch1", "branch2", "fd00::12")

    def add(self, name: str, words: str) -> None:
        command = f"sudo -u cucmsh cucmsh node add {name} {words}"
        done = self.do("pub", command, [YES, YES, ("Password", FIRST)])
        lines = done.text.splitlines()
        bad = [line for line in lines if re.match("(warn|fail)", line)]
        # Its TVS is started after that, and the step says so.
        bad = [line for line in bad if "its TVS does not answer yet" not in line]
        self.check(f"node add {name} finds nothing wrong", not bad, done.text)

    def subscriber(self) -> None:
        self.program("sub")
        self.step("sub", "6", [*[("assword", SECURITY)] * 2, YES])
        self.do("sub", f"echo cucmsh:{FIRST} | chpasswd")
        self.add("sub", "--role subscriber --host 10.1.1.3")
        for command in self.chapter["3"][1:]:
            if "cucmsh-replicas.service <<" in command:
                continue
            self.do("sub", command.replace(" cucmsh-replicas.service", ""))
        self.do("pub", "systemctl restart tftpd-hpa")
        self.settle("pub")
        names = self.at_prompt("show itl")
        self.check("the list of pub names sub", "sub.example.org" in names, names)
        held = self.tftp("sub", "ITLFile.tlv")
        self.check("sub serves a list of its own", held.startswith(b"\1\0"))
        self.doctor("sub", "need TVS")
        self.doctor("pub", "need TVS")
        text = self.at_prompt("utils itl reset localkey", answers=[TO_CCM])
        self.check("a reset reaches all", "pending" not in text, text)
        self.same_everywhere("pub", "sub", "branch1", "branch2")

    def rotation(self) -> None:
        self.do("pub", "apt-get install -y logrotate")
        self.step("pub", "Who did what")
        self.do("pub", "logrotate --force /etc/logrotate.d/cucmsh")
        self.at_prompt("show itl")
        done = self.do(
            "pub", "ls -l /var/lib/cucmsh/log; cat /var/lib/cucmsh/log/audit"
        )
        self.check("the rotated log goes on", "show itl" in done.text, done.text)

    def reboots(self) -> None:
        before = self.tftp("pub", "ITLFile.tlv")
        self["pub"].reboot()
        self.settle("pub")
        after = self.tftp("pub", "ITLFile.tlv")
        self.check("pub serves a list after a reboot", after.startswith(b"\1\0"))
        self.check("and it is a new one", after != before)
        self.same_everywhere("pub", "branch1", "branch2")
        done = self.do(
            "pub", "systemctl --failed --no-legend | grep -E 'tftp|cucmsh' || true"
        )
        self.check("no unit of ours failed", not done.text.strip(), done.text)

    def broken(self) -> None:
        """A hook that cannot work: TFTP comes up with the good list, and shouts."""
        good = self.tftp("pub", "ITLFile.tlv")
        for what, breaks, mends in (
            ("umask 077", "chmod 700 /opt/cucmsh", "chmod 755 /opt/cucmsh"),
            (
                "a directory of root's",
                "chown root:root /srv/tftp",
                "chown cucmsh:cucmsh /srv/tftp",
            ),
            (
                "no interpreter",
                "mv /opt/cucmsh/bin/python3 /opt/cucmsh/bin/python3.away",
                "mv /opt/cucmsh/bin/python3.away /opt/cucmsh/bin/python3",
            ),
        ):
            self.do("pub", breaks)
            again = "systemctl restart tftpd-hpa"
            self.do("pub", f"for i in 1 2 3 4 5 6 7; do {again} || exit; done")
            served = self.tftp("pub", "ITLFile.tlv")
            self.check(f"{what}: TFTP serves the good list", served == good)
            failed = self["pub"].type("systemctl --failed --no-legend").text
            self.check(
                f"{what}: systemctl --failed says so", "cucmsh" in failed, failed
            )
            self.do("pub", mends)
            told = self["pub"].type("sudo cucmsh doctor").text
            self.check(
                f"{what}: doctor says so", re.search("(?m)^(warn|fail)", told), told
            )
            self.do("pub", "systemctl restart tftpd-hpa")
            self.settle("pub")
            self.doctor("pub", "need TVS")
            good = self.tftp("pub", "ITLFile.tlv")

    def silence(self) -> None:
        self["branch1"].unplug()
        began = time.monotonic()
        self.do("pub", "systemctl restart tftpd-hpa")
        out = time.monotonic() - began
        self.check(f"a silent replica holds nobody up ({out:.1f} s)", out < 8)
        self.settle("pub")
        text = self.at_prompt("show itl")
        self.check("the login names it", "branch1" in text, text)
        self["branch1"].plug()
        text = self.at_prompt("utils itl reset localkey", answers=[TO_CCM])
        self.check("it comes back by a reset", "pending" not in text, text)
        self.same_everywhere("pub", "branch1", "branch2")

    def rebuild(self) -> None:
        """A new disk for pub, and the chapter for that."""
        chapter = commands(REBUILDING)
        held = self.tftp("branch1", "ITLFile.tlv")
        backup = self.folder / "tftp"
        shutil.copytree(self["pub"].path("/srv/tftp"), backup, dirs_exist_ok=True)
        self["pub"].wipe()
        self["pub"].boot()
        shutil.copytree(backup, self["pub"].path("/root/tftp"))
        self["desk"].quietly("ssh-keygen -R pub; ssh-keygen -R fd00::2", check=False)
        self.step("pub", "1")
        self.program("pub")
        made, *then = self.chapter["3"]
        starts = [command for command in then if "restart tftpd-hpa" in command]
        units = [command for command in then if command not in starts]
        init, reload = chapter["2"]
        self.check("the chapters have one init", init == made)
        for command in (*chapter["1"], init, *units, reload, *chapter["3"]):
            self.do("pub", command, PASSWORDS)
        self.check("one command of step 3 starts TFTP", len(starts) == 1)
        self.check("nothing is served meanwhile", not self.tftp("pub", "ITLFile.tlv"))
        text = self.at_prompt(
            "utils itl reset remotekey fd00::91 joe /home/joe/ITLRecovery.p12",
            answers=[("Sftp password :", FIRST), YES, TO_CCM, YES],
        )
        self.check("the saved key signs", "generated successfully" in text, text)
        ends = "pub: updated, its TFTP service is stopped"
        self.check(f"it ends with: {ends}", ends in text, text)
        for command in chapter["5"]:
            self.do("pub", command)
        first, second = chapter["6"]
        dnsmasq = "sudo -u cucmsh cucmsh node add branch2 --host 10.2.1.3"
        for name, command in (
            ("branch1", first),
            ("branch2", f"{dnsmasq} --service sudo:dnsmasq"),
            ("sub", second),
        ):
            self.do(name, f"usermod -p '' cucmsh; echo cucmsh:{FIRST} | chpasswd")
            self.do("pub", command, [YES, YES, ("Password", FIRST)])
        text = self.at_prompt("utils itl reset localkey", answers=[TO_CCM])
        self.check("a reset reaches all", "pending" not in text, text)
        self.same_everywhere("pub", "sub", "branch1", "branch2")
        self["pub"].path("/tmp/held.tlv").write_bytes(held)
        self.taken("of the new publisher")
        self.check("a file is signed anew", self.tftp("branch1", f"{PHONE}.sgn"))
        self.back_up()
        self.doctor("pub", "need TVS")

    # From an earlier build to this one, back, and away.

    def old_cluster(self) -> None:
        """As the earlier build's README had it; a publisher and a replica."""
        chapter, source = self.chapter, self.source
        assert self.old is not None
        self.chapter, self.source = (
            commands(PRODUCTION, self.old),
            self.old,
        )
        try:
            for name in ("pub", "branch1"):
                self.step(name, "1")
            self.program("pub")
            self.publisher()
            self.replica()
        finally:
            self.chapter, self.source = chapter, source

    def upgrade(self) -> None:
        self.copy_source("pub", self.source)
        for what in ("an upgrade", "an upgrade once more"):
            held = self.tftp("pub", "ITLFile.tlv")
            self["pub"].path("/tmp/held.tlv").write_bytes(held)
            for command in self.chapter["Upgrade"]:
                typed = command.replace("DIRECTORY_OF_THE_NEW_README", "/root/src")
                if command == "sudo cucmsh doctor":
                    break
                self.do("pub", typed)
                now = self.tftp("pub", "ITLFile.tlv")
                is_list = now.startswith(b"\1\0")
                self.check("TFTP serves a list meanwhile", is_list)
            self.taken(f"after {what}")
            told = self["pub"].type("sudo cucmsh doctor").text
            is_named = "units of step 3" in told or what != "an upgrade"
            self.check("doctor names what is to be done", is_named, told)
            for command in self.chapter["3"][1:]:
                self.do("pub", command)
            self.do("pub", "sudo -u cucmsh cucmsh node add branch1", [YES])
            self.settle("pub")
            self.doctor("pub", "not saved")
            self.taken("with the new units")
            self.same_everywhere("pub", "branch1")
            if what == "an upgrade":
                self.step("pub", "Going back")
                failed = self["pub"].type("systemctl --failed --no-legend").text
                is_tftp_well = "tftp" not in failed
                self.check("TFTP runs after going back", is_tftp_well, failed)
                self.taken("after going back")
                self.same_everywhere("pub", "branch1")

    def taken(self, when: str) -> None:
        """Whether a phone that holds the list of before takes what is served now."""
        now = self["pub"].path("/tmp/now.tlv")
        now.write_bytes(self.tftp("pub", "ITLFile.tlv"))
        verify = "cucmsh verify /tmp/now.tlv --against /tmp/held.tlv"
        done = self["pub"].type(verify)
        self.check(f"phones take the list {when}", done.status == 0, done.text)

    def removal(self) -> None:
        held = self.tftp("pub", "ITLFile.tlv")
        self.do("pub", "sudo -u cucmsh cucmsh node remove branch1", [YES])
        self.do("branch1", "userdel --force --remove cucmsh")
        self.do("branch1", "rm /etc/sudoers.d/cucmsh")
        self.step("pub", "Removal")
        self.check("what was served is served", self.tftp("pub", "ITLFile.tlv") == held)
        left = self["pub"].type(
            "grep -E 'cucmsh|admin' /etc/passwd /etc/group; "
            "find / -xdev -name '*cucmsh*' "
            "-not -path '/root/*' -not -path '/proc/*' -not -path '/var/log/*'"
        )
        self.check("nothing of ours is left", not left.text.strip(), left.text)
        done = self["pub"].type("systemctl --failed --no-legend; sshd -t")
        self.check("and nothing is broken", "ssh" not in done.text, done.text)

    def settle(self, box: str) -> None:
        """Until what systemd was asked for is done."""
        end = time.monotonic() + 200
        while "No jobs" not in self[box].quietly(JOBS, check=False):
            assert time.monotonic() < end
            time.sleep(0.2)

    def doctor(self, box: str, *expected: str) -> str:
        done = self[box].type("sudo cucmsh doctor")
        bad = [
            line
            for line in done.text.splitlines()
            if re.match("(warn|fail)", line)
            and not any(word in line for word in expected)
        ]
        self.check(f"doctor on {box} is content", not bad, "\n".join(bad))
        return done.text


STAGES = (
    *("every_box", "program_pub", "publisher", "replica", "reset_and_backup"),
    *("dnsmasq", "ipv6", "subscriber", "rotation", "reboots", "broken", "silence"),
    "rebuild",
)
UPGRADE = ("old_cluster", "upgrade", "removal")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("roots", nargs="+", type=Path, metavar="ROOT")
    parser.add_argument("--folder", type=Path, help="where the machines' disks go")
    parser.add_argument("--old", type=Path, help="sources of the build to upgrade from")
    parser.add_argument(
        "--stages", nargs="+", type=lambda text: text.split(","), help="only these"
    )
    parser.add_argument("--shell", action="store_true", help="wait before the end")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and the machines go, too
    failures = 0
    place = options.folder or Path(tempfile.mkdtemp(prefix="cucmsh-walk-"))
    source = place / "source"
    shutil.rmtree(source, ignore_errors=True)
    names = ("cucmsh", "commands", "README.md", "pyproject.toml", "LICENSE")
    for name in names:
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        source.mkdir(parents=True, exist_ok=True)
        copy(PROJECT / name, source / name)
    for root in options.roots:
        folder = place / f"disks-{root.name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with hub() as wire, ExitStack() as stack:
            began = time.monotonic()
            walk = Walk(wire, root.absolute(), folder, source, options.old)
            stack.callback(walk.close)
            stages = options.stages or (STAGES, *([UPGRADE] if options.old else []))
            for part in stages:
                walk.all_of(part)
            minutes = (time.monotonic() - began) / 60
            held = f"{walk.looked - walk.failures} of {walk.looked} held"
            print(f"{root.name}: {held}, {minutes:.0f} minutes", flush=True)
            if options.shell:
                input(f"{ {name: box.pid for name, box in walk.boxes.items()} } ")
        failures += walk.failures
    return int(failures > 0)


if __name__ == "__main__":
    exit_with(main)
