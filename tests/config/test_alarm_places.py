"""``[alarms]`` and its tables of places: what is left out, and what is refused."""

import re

import pytest

from cucmsh.config.alarm_places import (
    HookSettings,
    MailSettings,
    MetricsSettings,
    SyslogSettings,
)
from cucmsh.config.alarms import AlarmsSettings
from cucmsh.config.settings import parse_settings
from cucmsh.errors import ConfigurationError
from cucmsh.events import Severity

NODE = """\
[node]
name = "one"
[[cluster.nodes]]
name = "one"
role = "publisher"
services = ["tvs"]
"""
MAIL = 'host = "mail"\nfrom = "a@example.org"\nto = ["b@example.org"]\n'


def read(text: str) -> AlarmsSettings:
    return parse_settings(f"{NODE}{text}".encode(), "cucmsh.toml").alarms


def test_without_tables_alarms_go_to_the_log_alone() -> None:
    assert read("") == read("[alarms]\n") == AlarmsSettings()
    assert AlarmsSettings()[4:] == (None, None, None, None)


def test_the_log_is_set() -> None:
    found = read('[alarms]\ncluster_id = "C1"\nlog_bytes = 20000\nlog_files = 3\n')
    assert found[:3] == ("C1", 20_000, 3)


@pytest.mark.parametrize(
    ("to", "port"), [("udp", 514), ("tcp", 601), ("tls", 6514), ("local", 514)]
)
def test_syslog_is_read(to: str, port: int) -> None:
    host = "" if to == "local" else 'host = "log.example.org"\n'
    found = read(f'[alarms.syslog]\nto = "{to}"\n{host}level = "error"\n').syslog
    assert found is not None
    assert (found.to, found.port, found.level) == (to, port, Severity.ERROR)
    assert read("[alarms.syslog]\n").syslog == SyslogSettings()


@pytest.mark.parametrize(
    ("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)]
)
def test_mail_is_read(security: str, port: int) -> None:
    found = read(f'[alarms.mail]\n{MAIL}security = "{security}"\n').mail
    wanted = MailSettings("mail", port, "a@example.org", ("b@example.org",))
    assert found == wanted._replace(security=security)  # type: ignore[arg-type]


def test_counts_and_hook_are_read() -> None:
    found = read(
        '[alarms.metrics]\nfile = "/x/y.prom"\n[alarms.hook]\ncommand = ["/z"]'
    )
    assert found.metrics == MetricsSettings("/x/y.prom")
    assert found.hook == HookSettings(("/z",))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[alarms]\nlog_bytes = 9999", "alarms.log_bytes: 9999 is not 10000 to "),
        ("[alarms]\nlog_files = 0", "alarms.log_files: 0 is not 1 to 999"),
        (f'[alarms]\ncluster_id = "{"x" * 51}"', "alarms.cluster_id: at most 50 plain"),
        ('[alarms]\ncluster_id = "é"', "alarms.cluster_id: at most 50 plain"),
        ('[alarms.syslog]\nto = "rfc"', "alarms.syslog.to: 'rfc' is none of local,"),
        ('[alarms.syslog]\nto = "tcp"', "alarms.syslog.host: a text is needed"),
        ('[alarms.syslog]\nsocket = "log"', "alarms.syslog.socket: an absolute path"),
        ('[alarms.syslog]\nlevel = "bad"', "alarms.syslog.level: 'bad' is none of"),
        ("[alarms.syslog]\nports = 5", "alarms.syslog.ports: unknown key"),
        ('[alarms.mail]\nhost = "mail"', "alarms.mail.to: a list of texts is needed"),
        (f"[alarms.mail]\n{MAIL}user = 'u'", "user and password_file need each other"),
        (
            f'[alarms.mail]\n{MAIL}user = "u"\npassword_file = "/p"\nsecurity = "none"',
            "alarms.mail.security: the password would be sent unprotected",
        ),
        (
            '[alarms.mail]\nhost = "mail"\nfrom = "a@b"\nto = []',
            "alarms.mail.to: an address is needed",
        ),
        (
            '[alarms.mail]\nhost = "mail"\nfrom = "a@b, c@d"\nto = ["b@c"]',
            "alarms.mail.from: 'a@b, c@d' is no address",
        ),
        (
            '[alarms.mail]\nhost = "mail"\nfrom = "a@b"\nto = ["<b@c>"]',
            "alarms.mail.to: '<b@c>' is no address",
        ),
        ('[alarms.metrics]\nfile = "/x/y"', "alarms.metrics.file: its name must end"),
        ("[alarms.metrics]\n", "alarms.metrics.file: a text is needed"),
        ('[alarms.hook]\ncommand = ["ls"]', "alarms.hook.command: an absolute path"),
        ("[alarms.hook]\ncommand = []", "alarms.hook.command: an absolute path"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_key(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(problem)):
        read(text)
