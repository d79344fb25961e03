"""Ground that the account could move is refused by its path, and mended as it says."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator

import pytest

from tests.cli.login.box import ADMIN, CUCMSH, LOGIN, PYTHON, SETTINGS, Box
from tests.rigs.draws import some

pytestmark = [pytest.mark.loopback]

PACKAGES = "/opt/cucmsh/lib/python{}.{}/site-packages".format(*sys.version_info)
SPOILT_PACKAGES = " ".join(
    f"{PACKAGES}/{name}" for name in ("cucmsh", "commands", "paramiko", "nacl")
)
HOMES = "/var/lib/cucmsh-logins"
HOME = f"{HOMES}/{ADMIN}"
KEYS = "/var/lib/cucmsh"
SHOW = "show version active"
# A path that the shell may change is spoilt by a command, and named as it is.
SPOILT = {
    "program's folder": ("chmod g+w /usr/local/bin", "/usr/local/bin"),
    "program": (f"chmod o+w {LOGIN}", LOGIN),
    "program of the account": (f"chown cucmsh {LOGIN}", LOGIN),
    "folder above the environment": ("chown cucmsh /opt", "/opt"),
    "path of programs, and sticky": ("chmod 1777 /usr/local/bin", "/usr/local/bin"),
    "package, and sticky": (
        f"chmod 1777 {PACKAGES}/cucmsh/pki",
        f"{PACKAGES}/cucmsh/pki",
    ),
    "library, and sticky": (
        f"chmod 1777 {PACKAGES}/paramiko",
        f"{PACKAGES}/paramiko",
    ),
    "environment": ("chmod 777 /opt/cucmsh", "/opt/cucmsh"),
    "interpreter's link": ("chown cucmsh /opt/cucmsh/bin", "/opt/cucmsh/bin"),
    "pyvenv.cfg": ("chown cucmsh /opt/cucmsh/pyvenv.cfg", "/opt/cucmsh/pyvenv.cfg"),
    "package": (f"chown cucmsh {PACKAGES}/cucmsh", f"{PACKAGES}/cucmsh"),
    "module": (f"chmod g+w {PACKAGES}/cucmsh/app.py", f"{PACKAGES}/cucmsh/app.py"),
    "module that comes late": (
        f"chmod g+w {PACKAGES}/cucmsh/pki/pkcs12_limits.py",
        f"{PACKAGES}/cucmsh/pki/pkcs12_limits.py",
    ),
    "bytecode": (
        f"chown cucmsh {PACKAGES}/commands/__pycache__",
        f"{PACKAGES}/commands/__pycache__",
    ),
    "library that comes late": (
        f"chmod o+w {PACKAGES}/paramiko/client.py",
        f"{PACKAGES}/paramiko/client.py",
    ),
    "library of a library": (f"chown cucmsh {PACKAGES}/nacl", f"{PACKAGES}/nacl"),
    "pack": (f"chown cucmsh {PACKAGES}/commands/itl.py", f"{PACKAGES}/commands/itl.py"),
    "home": (f"chown cucmsh {HOME}", HOME),
    "home of a stranger": (f"chown games {HOME}", HOME),
    "folder above the home": (
        f"chmod o+w {HOMES}",
        HOMES,
    ),
    "~/.ssh": (f"chown cucmsh {HOME}/.ssh", f"{HOME}/.ssh"),
    "authorized_keys": (
        f"chown cucmsh {HOME}/.ssh/authorized_keys",
        f"{HOME}/.ssh/authorized_keys",
    ),
    "~/.ssh/rc": (
        f"touch {HOME}/.ssh/rc; chown cucmsh {HOME}/.ssh/rc",
        f"{HOME}/.ssh/rc",
    ),
    "~/.ssh/environment": (
        f"touch {HOME}/.ssh/environment; chmod 666 {HOME}/.ssh/environment",
        f"{HOME}/.ssh/environment",
    ),
    "configuration": (f"chmod o+w {SETTINGS}", SETTINGS),
    "configuration's folder": ("chmod g+w /etc/cucmsh", "/etc/cucmsh"),
    "keys": (
        "chown games /var/lib/cucmsh; chmod 755 /var/lib/cucmsh",
        "/var/lib/cucmsh",
    ),
}


def log_in(box: Box, *words: str, name: str = ADMIN) -> tuple[int, str]:
    """As sshd starts it, without one: its own check of homes and keys comes first."""
    who = ["setpriv", "--reuid=cucmsh", "--regid=cucmsh", "--clear-groups"]
    return box.try_root([*who, "env", f"USER={name}", LOGIN, *words])


@pytest.mark.parametrize("what", some(SPOILT, 10))
def test_ground_that_others_can_change_is_named_and_mended(box: Box, what: str) -> None:
    spoil, path = SPOILT[what]
    box.root(["sh", "-c", spoil])
    try:
        for words in (["-c", SHOW], []):
            status, said = log_in(box, *words)
            assert status == 1, said
            assert said.startswith(f"cucmsh: {path} "), said
            assert "nothing was run" in said
            assert "admin:" not in said
        advice = said.splitlines()[1]
        assert advice.startswith("As root: ")
        box.root(shlex.split(advice.removeprefix("As root: ")))
        status, said = log_in(box, "-c", SHOW)
        assert status == 0, said
    finally:
        box.root(["sh", "-c", MEND])


MEND = f"""
chown root: /opt /opt/cucmsh /opt/cucmsh/bin /opt/cucmsh/pyvenv.cfg {LOGIN}
chown -R root: {SPOILT_PACKAGES} /var/lib/cucmsh-logins
chmod -R go-w {SPOILT_PACKAGES} /var/lib/cucmsh-logins
chmod -t /usr/local/bin {PACKAGES}/cucmsh/pki {PACKAGES}/paramiko
chmod go-w /opt /opt/cucmsh {LOGIN} /usr/local/bin /etc/cucmsh {SETTINGS}
rm -f {HOME}/.ssh/rc {HOME}/.ssh/environment
chown -R cucmsh: /var/lib/cucmsh
chmod 700 /var/lib/cucmsh
"""


def test_node_s_own_account_does_not_log_in_to_the_prompt(box: Box) -> None:
    """Its home is its own, so that it could let others in (T6, scponly 2.4)."""
    status, said = log_in(box, "-c", SHOW, name="cucmsh")
    assert status == 1
    assert said.startswith("cucmsh: /home/cucmsh belongs to user id ")
    # The name of somebody else does not lend his home.
    assert log_in(box, "-c", SHOW, name="root") == (status, said)
    assert log_in(box, "-c", SHOW, name="") == (status, said)


def test_root_does_not_get_the_prompt(box: Box) -> None:
    status, said = box.try_root([LOGIN, "-c", SHOW])
    assert (status, "root's login does not run" in said) == (1, True)


def test_words_that_no_sshd_gives_are_refused(box: Box) -> None:
    for words in (["--config", "/tmp/x"], ["-c"], ["lab"], ["-c", "a", "b"], ["-i"]):
        assert log_in(box, *words)[0] == 2, words


def test_ordinary_program_runs_wherever_it_is(box: Box) -> None:
    """A developer's tree is his own; only a login is strict."""
    box.root(["chmod", "g+w", "/opt"])
    try:
        assert "Active Master" in box.node([CUCMSH, "-c", SHOW])
        # but for sshd's forced command, whatever it was named
        asked = f"SSH_ORIGINAL_COMMAND={SHOW}"
        who = ["setpriv", "--reuid=cucmsh", "--regid=cucmsh", "--clear-groups"]
        status, said = box.try_root([*who, "env", "USER=admin", asked, CUCMSH])
        assert (status, said.startswith("cucmsh: /opt ")) == (1, True)
    finally:
        box.root(["chmod", "g-w", "/opt"])


def doctor(box: Box, *names: str) -> str:
    return box.try_root([CUCMSH, "doctor", *names])[1]


@pytest.fixture
def without_drop_in(box: Box) -> Iterator[None]:
    path = f"/etc/ssh/sshd_config.d/00-cucmsh-{ADMIN}.conf"
    box.root(["mv", path, "/etc/elsewhere"])
    yield
    box.root(["mv", "/etc/elsewhere", path])


def test_doctor_says_that_the_shipped_set_up_is_well(box: Box) -> None:
    said = doctor(box)
    assert f"ok    sshd gives {ADMIN} the admin: prompt and no more\n" in said
    assert "ok    nobody but root can change the program\n" in said
    assert "compiles modules" not in said
    assert "fail" not in said
    said = doctor(box, "forced", "nobody-here")
    assert "fail  the shell of forced is /bin/sh. " in said
    assert "fail  there is no account nobody-here. " in said


@pytest.mark.usefixtures("without_drop_in")
def test_doctor_names_every_setting_that_leads_elsewhere(box: Box) -> None:
    said = doctor(box)
    for what in (
        "sshd has AllowTcpForwarding yes for admin",
        "sshd has AllowAgentForwarding yes for admin",
        "sshd has X11Forwarding yes for admin",
        "sshd has DisableForwarding no for admin",
        "sshd has PermitUserRC yes for admin",
        "sshd takes LANG LC_* from clients of admin",
        "sshd runs none for admin, not cucmsh-login",
    ):
        assert f"fail  {what}. Put the drop-in" in said


EARLIER = """\
Include more/*.conf
Match Address 10.0.0.0/8,!10.0.0.7
    AllowTcpForwarding yes
Match LocalPort=2222
    X11Forwarding yes
Match Host "*.partner.example"
    AllowAgentForwarding yes
Match LocalAddress 192.0.2.*
    PermitTTY no
# Match Address 198.51.100.1
Match Address 10.9.0.0/16 LocalPort 2022 User admin
    ForceCommand /bin/sh
"""
INCLUDED = """\
Match User admin Address fd00::/8
    PermitTunnel yes
Match Group cucmsh Address !127.0.0.1,!192.0.2.0/24,*
    GatewayPorts yes
"""


def test_doctor_asks_sshd_about_every_match_that_can_apply(box: Box) -> None:
    drop_in = "/etc/ssh/sshd_config.d/00-before.conf"
    box.put(drop_in, EARLIER)
    box.root(["mkdir", "-p", "/etc/ssh/more"])
    box.put("/etc/ssh/more/some.conf", INCLUDED)
    try:
        said = doctor(box)
    finally:
        box.root(["rm", "-r", drop_in, "/etc/ssh/more"])
    for what, where in (
        ("sshd has AllowTcpForwarding yes for admin", "addr=10.0.0.0"),
        ("sshd has X11Forwarding yes for admin", "lport=2222"),
        ("sshd has AllowAgentForwarding yes for admin", "host=1.partner.example"),
        ("sshd has PermitTTY no for admin", "laddr=192.0.2.1"),
        ("sshd runs /bin/sh for admin, not cucmsh-login", "addr=10.9.0.0,"),
        ("sshd has PermitTunnel yes for admin", "addr=fd00::"),
        ("sshd has GatewayPorts yes for admin", "addr="),
    ):
        lines = [line for line in said.splitlines() if f"fail  {what} " in line]
        assert where in "".join(lines), said
    assert "the admin: prompt and no more" not in said


def test_doctor_says_which_match_lines_it_cannot_ask_about(box: Box) -> None:
    drop_in = "/etc/ssh/sshd_config.d/99-after.conf"
    ports = [f"Match LocalPort {2000 + number}" for number in range(300)]
    box.put(drop_in, "".join(f"{line}\n    PermitTTY yes\n" for line in ports))
    try:
        said = doctor(box)
    finally:
        box.root(["rm", drop_in])
    assert "warn  not all Match lines of sshd were looked at: more than" in said
    assert "ok    sshd gives admin the admin: prompt and no more\n" in said


def test_doctor_without_root_says_what_it_did_not_see(box: Box) -> None:
    who = ["setpriv", "--reuid=cucmsh", "--regid=cucmsh", "--clear-groups"]
    said = box.try_root([*who, CUCMSH, "doctor"])[1]
    assert "warn  what sshd lets admin do was not looked at: only root may. " in said
    assert "ok    nobody but root can change the program\n" in said


def test_doctor_of_root_runs_nothing_of_the_configuration_as_root(box: Box) -> None:
    before = box.root(["cat", SETTINGS])
    evil = before.replace('"true"', '"/usr/bin/touch", "/var/lib/cucmsh/by-doctor"')
    assert evil != before
    box.node(["sh", "-c", f"cat > {SETTINGS}"], evil)
    try:
        doctor(box)
    finally:
        box.node(["sh", "-c", f"cat > {SETTINGS}"], before)
    status, owner = box.try_root(["stat", "-c", "%U", "/var/lib/cucmsh/by-doctor"])
    assert status == 1 or owner.strip() == "cucmsh"


def test_doctor_names_what_every_login_would_compile(box: Box) -> None:
    folder = f"{PACKAGES}/commands/__pycache__"
    box.root(["mv", folder, f"{folder}.away"])
    try:
        said = doctor(box)
    finally:
        box.root(["rm", "-rf", folder])
        box.root(["mv", f"{folder}.away", folder])
    advice = f"As root: {PYTHON} -m compileall -q {PACKAGES}/commands"
    assert f"warn  every login compiles modules of {PACKAGES}/commands" in said
    assert advice in said


def test_fresh_login_compiles_nothing(box: Box) -> None:
    """Bytecode comes with the installation; the account could not write any."""
    log = box.folder / "opened"
    lines = ("show version active", "show itl", "help", "show cert own TVS", "nonsense")
    for line in lines:
        trace = [
            "strace",
            "-f",
            "-o",
            str(log),
            "-e",
            "trace=open,openat,mkdir,mkdirat",
        ]
        # The tracer is root, and what it traces is the account.
        words = [*trace, "-u", "cucmsh", "env", f"USER={ADMIN}", LOGIN, "-c", line]
        box.try_root(words)
        calls = log.read_text().splitlines()
        assert any("cucmsh/__pycache__/app." in call for call in calls)
        ours = [call for call in calls if "/opt/cucmsh/" in call]
        # The look at a library of one file tries it as a folder; that reads nothing.
        read = [call for call in ours if "O_DIRECTORY" not in call]
        assert not [call for call in read if '.py"' in call], line
        assert not [call for call in ours if "O_CREAT" in call or "mkdir" in call], line
