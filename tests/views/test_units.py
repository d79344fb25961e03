"""The systemd units of `cucmsh init`, and that docs/production.md has the same."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from cucmsh.config.entries import systemd_words
from cucmsh.config.model import TFTP, TVS
from cucmsh.config.settings import parse_settings
from cucmsh.services.nodes.own_services import unit_of
from cucmsh.views.next_steps import next_steps
from cucmsh.views.units import (
    TftpUnit,
    backup_cron,
    backup_units,
    monitor_cron,
    monitor_units,
    tvs_unit,
    unit_files,
    web_unit,
)

PAGE = Path(__file__).parents[2] / "docs" / "production.md"
SHIPPED = TftpUnit(
    "tftpd-hpa",
    ("/opt/cucmsh/bin/python", "-I", "-m", "cucmsh"),
    "cucmsh",
    "/var/lib/cucmsh",
    is_publisher=True,
)


def test_page_has_the_units_of_init() -> None:
    here = dict(
        re.findall(
            r"^# cat > (\S+) <<'END'\n(.*?)^END$",
            PAGE.read_text(encoding="utf-8"),
            re.MULTILINE | re.DOTALL,
        )
    )
    for path, text in unit_files(SHIPPED):
        assert here[path] == text
    path, text = tvs_unit(SHIPPED.program, SHIPPED.account)
    assert here[path] == text
    path, text = web_unit(SHIPPED.program, SHIPPED.account)
    assert here[path] == text
    for path, text in monitor_units(SHIPPED.program, SHIPPED.account):
        assert here[path] == text
    for path, text in backup_units(SHIPPED.program, SHIPPED.account):
        assert here[path] == text
    assert backup_cron(SHIPPED.program, SHIPPED.account) in PAGE.read_text()
    assert monitor_cron(SHIPPED.program, SHIPPED.account) in PAGE.read_text()


NODE = b"""\
[node]
name = "pub"
home = "/var/lib/cucmsh"
[[cluster.nodes]]
name = "pub"
role = "publisher"
services = ["tftp"]
tftp_directory = "/srv/tftp"
service_commands = "systemd:tftpd-hpa"
"""


def test_lines_of_init_can_be_pasted_into_a_shell(tmp_path: Path) -> None:
    steps = next_steps(parse_settings(NODE, "c.toml"), SHIPPED.program, "cucmsh")
    first = next(number for number, line in enumerate(steps) if "mkdir -p" in line)
    last = next(number for number, line in enumerate(steps) if "daemon-reload" in line)
    pasted = "\n".join(steps[first:last]).replace("/etc/systemd", f"{tmp_path}")
    done = subprocess.run(
        ["bash"], input=pasted, check=True, capture_output=True, text=True
    )
    assert not done.stderr  # as for a here-document that nothing ended
    for path, unit in unit_files(SHIPPED):
        written = Path(path.replace("/etc/systemd", f"{tmp_path}"))
        assert written.read_text() == unit


def test_sudo_is_permitted_for_both_units() -> None:
    def commands(unit: str) -> str:
        words = systemd_words(unit, by_sudo=True)
        assert isinstance(words, dict)
        return ", ".join(f"{verb} = {argv}" for verb, argv in words.items())

    services = ", ".join(
        f'{{ name = "{name}", commands = {{ {commands(unit)} }} }}'
        for name, unit in ((TFTP, "tftpd-hpa"), (TVS, "cucmsh-tvs"))
    )
    node = NODE.decode().replace('["tftp"]', f"[{services}]")
    node = node.replace('service_commands = "systemd:tftpd-hpa"', "")
    steps = "\n".join(next_steps(parse_settings(node.encode(), "c"), ("cucmsh",), "me"))
    for unit in ("tftpd-hpa", "cucmsh-tvs"):
        for verb in ("start", "stop", "restart"):
            assert f"/usr/bin/systemctl {verb} {unit}" in steps


def test_step_of_tvs_can_be_pasted_and_systemd_takes_the_unit(tmp_path: Path) -> None:
    node = NODE.replace(b'["tftp"]', b'["tftp", "tvs"]')
    steps = next_steps(parse_settings(node, "c.toml"), SHIPPED.program, "cucmsh")
    path, text = tvs_unit(("/bin/true", "-I"), "root")
    start = steps.index(f"cat > {path} <<'END'")
    last = steps[steps.index("END", start) + 1]
    assert last.endswith("systemctl enable --now cucmsh-tvs.service")
    unit = tmp_path / "cucmsh-tvs.service"
    unit.write_text(text)
    words = ["systemd-analyze", "verify", "--man=no", str(unit)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    about = [line for line in done.stderr.splitlines() if unit.name in line]
    assert not about
    assert "ExecStart=/bin/true -I tvs\n" in text


def test_systemd_takes_the_monitor_and_knows_when_it_runs(tmp_path: Path) -> None:
    node = parse_settings(NODE, "c.toml")
    steps = "\n".join(next_steps(node, SHIPPED.program, SHIPPED.account))
    files = []
    for path, text in monitor_units(("/bin/true", "-I"), "root"):
        assert path in steps
        files.append(tmp_path / Path(path).name)
        files[-1].write_text(text)
    words = ["systemd-analyze", "verify", "--man=no", *map(str, files)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "cucmsh-monitor" not in done.stderr
    when = re.search(r"^OnCalendar=(.*)$", files[1].read_text(), re.MULTILINE)
    assert when
    words = ["systemd-analyze", "calendar", "--iterations=24", when[1]]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    hours = re.findall(r"(\d\d):17:00", done.stdout.partition("Next elapse")[2])
    assert set(hours) == {f"{hour:02}" for hour in range(24)} - {"02"}


@pytest.mark.parametrize(("hour", "is_run"), [("01", True), ("02", False)])
def test_a_round_that_was_missed_is_not_made_up_for_at_two(
    hour: str, tmp_path: Path, *, is_run: bool
) -> None:
    (_, text), _ = monitor_units(("/bin/true",), "root")
    line = re.search(r"^ExecCondition=/bin/sh -c (.*)$", text, re.MULTILINE)
    assert line
    clock = tmp_path / "date"
    clock.write_text(f"#!/bin/sh\necho {hour}\n")
    clock.chmod(0o755)
    words = ["/bin/sh", "-c", unquoted(line[1])]
    done = subprocess.run(words, env={"PATH": str(tmp_path)}, check=False)
    assert (done.returncode == 0) == is_run


def test_no_tvs_no_step() -> None:
    steps = next_steps(parse_settings(NODE, "c.toml"), SHIPPED.program, "cucmsh")
    assert not any("tvs" in line.lower() for line in steps)


def test_no_failure_of_the_hook_keeps_the_service_down() -> None:
    """`Wants=` and `After=`: waited for, not required, and a failure that is seen."""
    files = dict(unit_files(SHIPPED))
    drop_in = files["/etc/systemd/system/tftpd-hpa.service.d/cucmsh.conf"]
    assert "Wants=cucmsh-list.service cucmsh-replicas.service\n" in drop_in
    assert "After=cucmsh-list.service\n" in drop_in
    assert "StartLimitIntervalSec=0\n" in drop_in  # a sixth start in ten seconds, too
    assert "[Service]" not in drop_in
    before = files["/etc/systemd/system/cucmsh-list.service"]
    assert "\nExecStart=/opt/cucmsh/bin/python -I -m cucmsh hook tftp-start\n" in before
    after = files["/etc/systemd/system/cucmsh-replicas.service"]
    assert "\nAfter=tftpd-hpa.service " in after


def test_subscriber_brings_nobody_anything() -> None:
    files = dict(unit_files(SHIPPED._replace(is_publisher=False)))
    assert not any("replicas" in text for text in (*files, *files.values()))


@pytest.mark.parametrize("odd", ["a b", "100%", "$HOME", 'q"q', "b\\s", "s;t", ""])
def test_line_of_shell_and_words_survive_odd_paths(odd: str, tmp_path: Path) -> None:
    about = SHIPPED._replace(home=str(tmp_path / odd), program=(odd, "-I"))
    (tmp_path / odd / "state").mkdir(parents=True)
    text = next(text for _, text in unit_files(about))
    line = re.search(r"ExecStopPost=-/bin/sh -c (.*)\n", text)
    word = re.search(r"ExecStart=(.*) -I hook tftp-start\n", text)
    assert line
    assert word
    assert unquoted(word.group(1)) == odd
    told = {"SERVICE_RESULT": "exit-code", "EXIT_CODE": "exited", "EXIT_STATUS": "203"}
    subprocess.run(["/bin/sh", "-c", unquoted(line.group(1))], env=told, check=True)
    said = tmp_path / odd / "state/tftp-start"
    assert said.read_text() == "exit-code exited 203\n"


def unquoted(text: str) -> str:
    """As systemd reads one word of a command line (systemd.service(5))."""
    if text.startswith('"'):
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    assert not re.search(r"(?<!%)%(%%)*(?!%)", text)
    return text.replace("%%", "%").replace("$$", "$")


@pytest.mark.parametrize(
    ("restart", "unit"),
    [
        ("systemctl restart tftpd-hpa", "tftpd-hpa"),
        ("sudo -n /usr/bin/systemctl restart tftpd-hpa.service", "tftpd-hpa"),
        ("sudo systemctl restart tftpd-hpa", ""),
        ("service tftpd-hpa restart", ""),
        ("systemctl restart -Hroot@elsewhere", ""),
        ("", ""),
    ],
)
def test_unit_is_known_from_the_words_that_restart_it(restart: str, unit: str) -> None:
    assert unit_of(tuple(restart.split())) == unit


@pytest.mark.thorough
def test_node_add_is_told_with_the_configuration_that_was_given() -> None:
    program = ("/v/bin/python", "-I", "-m", "cucmsh", "--config", "/d/c.toml")
    steps = next_steps(parse_settings(NODE, "/d/c.toml"), program, "root")
    assert steps[-1].strip() == ("cucmsh --config /d/c.toml node add NAME --host HOST")


def test_step_of_the_page_is_there_with_its_table_and_systemd_takes_the_unit(
    tmp_path: Path,
) -> None:
    program = ("/bin/true", "-I")
    path, text = web_unit(program, "root")
    without = "\n".join(next_steps(parse_settings(NODE, "/c"), program, "cucmsh"))
    assert path not in without
    settings = parse_settings(NODE + b"[web]\nport = 9443\n", "/c")
    shown = "\n".join(next_steps(settings, program, "root"))
    assert f"cat > {path} <<'END'\n{text}END\n" in shown
    assert "TCP port 9443:" in shown
    file = tmp_path / Path(path).name
    file.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert str(file.name) not in done.stderr
