"""``[alarms.monitor]``: when certificates that expire are told."""

import pytest

from cucmsh.config.monitor import Frequency, MonitorSettings
from cucmsh.config.settings import Settings, parse_settings
from cucmsh.errors import ConfigurationError

NODE = """\
[node]
name = "one"
[[cluster.nodes]]
name = "one"
role = "publisher"
services = ["tvs"]
"""


def read(text: str) -> Settings:
    return parse_settings(f"{NODE}{text}".encode(), "cucmsh.toml")


@pytest.mark.parametrize("text", ["", "[alarms]\n", "[alarms.monitor]\n"])
def test_what_is_left_out_is_as_usual(text: str) -> None:
    usual = MonitorSettings(60, Frequency(1, is_days=True))
    assert read(text).alarms.monitor == usual


def test_thresholds_are_read() -> None:
    found = read('[alarms.monitor]\nstart_days = 14\nfrequency = "12h"\n')
    every = Frequency(12, is_days=False)
    assert found.alarms.monitor == MonitorSettings(14, every)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("start_days = 0", "alarms.monitor.start_days: 0 is not 1 to 3650"),
        ("start_days = true", "alarms.monitor.start_days: a number is needed"),
        ('frequency = "7"', "alarms.monitor.frequency: '7' is no frequency"),
        ('frequency = "0d"', "alarms.monitor.frequency: '0d' is no frequency"),
        ("frequency = 7", "alarms.monitor.frequency: a text is needed"),
        ("days = 3", "alarms.monitor.days: unknown key"),
    ],
)
def test_bad_thresholds_are_refused_by_their_key(line: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        read(f"[alarms.monitor]\n{line}\n")
