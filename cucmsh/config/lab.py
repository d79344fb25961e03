"""``[lab]``: this is a node of ``cucmsh lab``, whose clock the lab may set.

Only the lab writes it. Refused in any other configuration, so that no clock and no
hold timer of a production node depends on a file: the configuration and the home lie
where the lab put them, and all members answer on 127.0.0.1 only (docs/decisions/039).
"""

from __future__ import annotations

import os

from cucmsh.config.model import Cluster
from cucmsh.config.table import OWN_HOST, Table

_ADVICE = "Only `cucmsh lab` writes [lab]; take it out of any other configuration."


def read_lab(root: Table, path: str, home: str, cluster: Cluster) -> str:
    """The lab's directory; empty for a node of no lab.

    Raises:
        ConfigurationError: this cannot be a lab's node.
    """
    if not root.has("lab"):
        return ""
    table = root.table("lab")
    directory = table.text("directory")
    folder = os.path.dirname(os.path.abspath(path))
    is_inside = os.path.dirname(folder) == directory and home.startswith(f"{folder}/")
    if not is_inside:
        raise table.error(
            "directory", "this configuration and its home are no lab's", _ADVICE
        )
    for node in cluster.members:
        hosts = [node.tftp.host, *([node.ssh.host] if node.ssh else [])]
        if set(hosts) != {OWN_HOST}:
            raise table.error(
                "directory", f"{node.name} is not at {OWN_HOST}, so no lab's", _ADVICE
            )
    return directory
