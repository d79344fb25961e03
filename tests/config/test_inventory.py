"""``[inventory]`` and ``[phones]`` of the configuration."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cucmsh.config.inventory import InventorySettings
from cucmsh.config.phones import AmiAddress, PhonesSettings, filled
from cucmsh.config.settings import Settings, parse_settings
from cucmsh.errors import ConfigurationError

BASE = """
[node]
name = "pub"
[cluster]
domain = "example.org"
[[cluster.nodes]]
name = "pub"
role = "publisher"
services = []
"""


@pytest.fixture
def read() -> Callable[[str], Settings]:
    return lambda text: parse_settings(f"{BASE}{text}".encode(), "/etc/x.toml")


def test_without_a_table_it_is_a_file_of_the_home(
    read: Callable[[str], Settings],
) -> None:
    assert read("").inventory == InventorySettings()
    assert not read("[inventory]\nstale_days = 7").inventory.is_named
    assert read("").phones == PhonesSettings()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://cucmsh@db.example.org/phones",
        "postgresql://cucmsh@/phones?host=/run/postgresql",
        "postgresql://[2001:db8::1]:5432/phones",
        "postgresql://u%40example.org@h/phones",
        "sqlite:////srv/phones.sqlite",
        "sqlite:////srv/@one/@two",
    ],
)
def test_a_url_names_the_database(read: Callable[[str], Settings], url: str) -> None:
    assert read(f'[inventory]\nurl = "{url}"').inventory.url == url


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('url = "postgresql://u:x@h/d"', "url: a password stands in it"),
        ('url = "postgresql://u:@h/d"', "url: a password stands in it"),
        ('url = "postgresql://u@h/d?pass%77ord=x"', "url: a password stands in it"),
        ('url = "postgresql://u@h/d?PassWord=x"', "url: a password stands in it"),
        ('url = "postgresql://u@h/d?sslpassword=x"', "url: a password stands in it"),
        ('url = "postgresql://u:x@y@h/d"', "url: more than one @ stands in it"),
        ('url = "postgresql://u:1?x@y@h/d"', "url: more than one @ stands in it"),
        ('url = "mysql://h/d"', "url: it begins with none of postgresql, sqlite"),
        ('url = "phones.sqlite"', "url: it begins with none of"),
        ('url = "postgresql://h:port/d"', "url: it begins with none of"),
        ('url = "sqlite:///phones"', "url: the file of SQLite needs an absolute path"),
        ('url = "sqlite:////x"\nurl_file = "/y"', "url_file: there is a url already"),
        ('url_file = "y"', "url_file: an absolute path is needed"),
        ('password_file = "/y"', "password_file: SQLite in the home has no password"),
        ("stale_days = 0", "stale_days: 0 is not 1 to 36500"),
        ("stale = 1", "stale: unknown key"),
    ],
)
def test_what_is_no_inventory_is_refused(
    read: Callable[[str], Settings], text: str, problem: str
) -> None:
    with pytest.raises(ConfigurationError) as told:
        read(f"[inventory]\n{text}")
    assert told.value.message.startswith(f"/etc/x.toml: inventory.{problem}")


def test_ways_to_phones_are_read(read: Callable[[str], Settings]) -> None:
    found = read(
        '[phones]\nreset = ["a", "{name}"]\nreturned = ["b", "{since}"]\nbatch = 5\n'
        '[phones.ami]\nuser = "u"\nsecret_file = "/s"\nendpoint = "x-{name}"\n'
    ).phones
    assert (found.reset, found.returned, found.batch) == (
        *(("a", "{name}"), ("b", "{since}"), 5),
    )
    assert found.ami == AmiAddress("127.0.0.1", 5038, "u", "/s", "x-{name}")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('reset = "x"', "reset: a list of texts is needed"),
        ('reset = ["x", "{peer}"]', "reset: nothing is known for {peer}"),
        ('reset = ["x", "{call_id}"]', "reset: nothing is known for {call_id}"),
        ("per_second = 0", "per_second: 0 is not 1 to 1000"),
        ("wait_seconds = -1", "wait_seconds: -1 is not 0 to 3600"),
        ('[phones.ami]\nsecret_file = "/s"', "ami.user: a text is needed"),
        ('[phones.ami]\nuser = "u"\nsecret_file = "s"', "ami.secret_file: an abs"),
        (
            '[phones.ami]\nuser = "u"\nsecret_file = "/s"\nendpoint = "{address}"',
            "ami.endpoint: nothing is known for {address}",
        ),
        ('[phones.ami]\nuser = "u"\nsecret = "s"', "ami.secret_file: a text is"),
    ],
)
def test_what_is_no_way_to_phones_is_refused(
    read: Callable[[str], Settings], text: str, problem: str
) -> None:
    with pytest.raises(ConfigurationError) as told:
        read(f"[phones]\n{text}")
    assert told.value.message.startswith(f"/etc/x.toml: phones.{problem}")


def test_values_are_put_in_once() -> None:
    words = ("a", "{name}", "--at={address}{name}", "{other}", "{}")
    values = {"name": "{address}", "address": "$(x); {name}"}
    assert filled(words, values) == (
        *("a", "{address}", "--at=$(x); {name}{address}", "{other}", "{}"),
    )
