"""Configurations are edited in place: what a person wrote stays."""

import pytest

from cucmsh.config.editing import (
    new_text,
    with_cluster,
    with_names,
    with_node,
    with_value,
    without_node,
)
from cucmsh.config.settings import parse_settings
from cucmsh.errors import ConfigurationError

TEXT = """\
# ours, since 2014
release = "10.0"   # do not touch

[node]
name = 'pub'

[cluster]
domain = "example.org"
digest = "sha512"

# the first one
[[cluster.nodes]]
name     = "pub"     # aligned
role     = "publisher"
services = [
    "tftp",          # for the phones
]
tftp_directory = "/srv/tftp"
"""
SSH = {"host": "h", "port": 22, "user": "u", "identity": "/i", "host_key": "a b"}
BRANCH = {
    "name": "branch1",
    "role": "replica",
    "services": ["tftp"],
    "tftp_directory": '/srv/"odd" \\ name',
    "ssh": SSH,
    "service_commands": {"restart": ["r", "'q'"], "status": ["s"]},
}


def test_added_node_changes_no_other_byte() -> None:
    text = with_node(TEXT, "f", BRANCH)
    assert text.startswith(TEXT)
    node = parse_settings(text.encode(), "f").cluster.find("branch1")
    assert node is not None
    assert node.tftp_directory == '/srv/"odd" \\ name'
    assert node.service_commands is not None
    assert node.service_commands.restart == ("r", "'q'")


def test_node_that_is_there_as_it_should_be_changes_nothing() -> None:
    text = with_node(TEXT, "f", BRANCH)
    text = text.replace('"branch1"', '"branch1"  # in the cellar')
    assert with_node(text, "f", BRANCH) == text


def test_changed_key_leaves_the_comments_beside_it() -> None:
    text = with_node(TEXT, "f", BRANCH)
    text = text.replace('"branch1"', '"branch1"  # in the cellar')
    moved = {**BRANCH, "ssh": {**SSH, "host": "other"}}
    edited = with_node(text, "f", moved)
    assert edited == text.replace('"h"', '"other"')


def test_key_that_is_no_longer_said_is_taken_away() -> None:
    text = with_node(TEXT, "f", BRANCH)
    without = {key: value for key, value in BRANCH.items() if key != "ssh"}
    assert "ssh" not in with_node(text, "f", without)


def test_removed_node_leaves_what_was_there_before() -> None:
    text = without_node(with_node(TEXT, "f", BRANCH), "f", "branch1")
    assert text == TEXT


def test_cluster_is_taken_over_but_for_the_own_entry() -> None:
    text = with_node(TEXT, "f", BRANCH)
    other = {"name": "sub", "role": "subscriber", "services": []}
    about = {"domain": "example.org", "digest": "sha1"}
    edited = with_cluster(text, "f", about, [other], "pub")
    settings = parse_settings(edited.encode(), "f")
    assert [node.name for node in settings.cluster.nodes] == ["pub", "sub"]
    assert settings.digest == "sha1"
    assert "# for the phones" in edited
    assert "# do not touch" in edited


@pytest.mark.parametrize(
    "text", ["[cluster]\nnodes = [{ name = 'a' }]\n", "[cluster]\n", "cluster = 1\n"]
)
def test_form_that_cannot_be_edited_is_refused_with_the_one_that_can(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        with_node(text, "f", BRANCH)
    assert "[[cluster.nodes]]" in caught.value.advice


def test_text_that_is_no_toml_is_refused_with_its_place() -> None:
    with pytest.raises(ConfigurationError, match=r"f: .*line 1"):
        with_node("[cluster\n", "f", BRANCH)


def test_new_text_reads_as_what_was_said() -> None:
    text = new_text(
        "two\nlines",
        {"release": "10.0"},
        {
            "node": {"name": "pub", "home": "/h"},
            "cluster": {
                "domain": "d",
                "nodes": [{"name": "pub", "role": "publisher", "services": []}],
            },
        },
    )
    assert text.startswith("# two\n# lines\n")
    assert parse_settings(text.encode(), "f").home == "/h"


def test_renamed_node_keeps_all_but_its_names() -> None:
    text = with_node(TEXT, "f", BRANCH)
    new = {"name": "neu", "aliases": ["pub"], "domain": "other.org"}
    renamed = with_names(text, "f", "pub", new)
    assert 'name     = "neu"     # aligned' in renamed
    settings = parse_settings(renamed.encode(), "f")
    node = settings.node
    assert (node.name, node.aliases, node.domain) == ("neu", ("pub",), "other.org")
    cluster = settings.cluster
    assert cluster.full_name(node) == "neu.other.org"
    assert cluster.find("pub") == cluster.find("neu") == node
    assert cluster.present_name("pub") == "neu"
    assert cluster.present_name("nobody") == "nobody"
    assert cluster.find("branch1")
    # As it was called before, under its alias; what is not said goes.
    back = with_names(renamed, "f", "pub", {"name": "pub"})
    assert parse_settings(back.encode(), "f") == parse_settings(text.encode(), "f")
    with pytest.raises(ConfigurationError, match="no node 'other'"):
        with_names(text, "f", "other", new)


def test_own_name_in_the_file_may_be_an_earlier_one() -> None:
    text = TEXT.replace('name     = "pub"', 'aliases = ["pub"]\nname = "neu"')
    assert parse_settings(text.encode(), "f").node.name == "neu"


def test_renamed_node_of_another_s_description_keeps_its_place() -> None:
    text = with_node(with_node(TEXT, "f", BRANCH), "f", {**BRANCH, "name": "branch2"})
    there = {**BRANCH, "name": "neu", "aliases": ["branch1"]}
    entries = [there, {**BRANCH, "name": "branch2"}]
    joined = with_cluster(text, "f", {}, entries, "pub")
    nodes = parse_settings(joined.encode(), "f").cluster.nodes
    assert [node.name for node in nodes] == ["pub", "neu", "branch2"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('aliases = ["PUB"]', "'pub' is an alias, and a name or alias besides"),
        ('aliases = ["a", "A"]', "'a' is an alias"),
        ('aliases = ["a b"]', "aliases: 'a b' is no host name"),
        ('domain = "a..b"', "domain: 'a..b' is no domain name"),
    ],
)
def test_names_that_mean_two_nodes_are_refused(more: str, says: str) -> None:
    text = TEXT.replace("name     =", f"{more}\nname =")
    with pytest.raises(ConfigurationError, match=says):
        parse_settings(text.encode(), "f")


def test_one_value_is_changed_where_it_stands() -> None:
    table = '[tvs]\ntls_minimum = "1.0"   # for 79xx\nworkers = 2\n'
    edited = with_value(table + TEXT, "f", "tvs", "tls_minimum", "1.2")
    assert edited == table.replace("1.0", "1.2") + TEXT
    assert with_value(edited, "f", "tvs", "tls_minimum", "1.2") == edited


def test_table_of_a_value_is_made_where_there_is_none() -> None:
    edited = with_value(TEXT, "f", "tvs", "tls_minimum", "1.2")
    assert edited.startswith(TEXT)
    assert parse_settings(edited.encode(), "f").tvs.tls_minimum == "1.2"


def test_value_in_what_is_no_table_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="f: tvs: must be a table"):
        with_value("tvs = 1\n", "f", "tvs", "tls_minimum", "1.2")
