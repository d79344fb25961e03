"""What a lab keeps of an earlier start of itself."""

from __future__ import annotations

from pathlib import Path

from cucmsh.lab.plan import KeptNames, kept_names
from cucmsh.release import DEFAULT_RELEASE

CONFIGURATION = """\
release = "12.5"
[node]
name = "other"
home = "/nowhere"
[cluster]
domain = "joemar2.lab"
subject = "OU=tac"
[[cluster.nodes]]
name = "other"
aliases = ["test10pub"]
role = "publisher"
services = ["tftp"]
tftp_directory = "/nowhere/tftp"
"""


def test_a_node_keeps_its_name_and_the_release_it_was_given(tmp_path: Path) -> None:
    config = tmp_path / "cucmsh.toml"
    assert kept_names("test10pub", config) == KeptNames("test10pub")
    assert KeptNames("test10pub").release == DEFAULT_RELEASE
    config.write_text(CONFIGURATION)
    kept = kept_names("test10pub", config)
    assert (kept.name, kept.aliases) == ("other", ("test10pub",))
    assert kept.release == "12.5"
