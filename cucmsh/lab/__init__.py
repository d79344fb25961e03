"""A cluster on 127.0.0.1: real servers and real files, for one person or one test.

Nothing here is meant for a network: every server refuses or is never given another
address than loopback.
"""

import sys

# paramiko imports `invoke`, and with it unittest.mock, for ssh_config files that are
# never read here: 40 % of its import (docs/performance.md#imports).
sys.modules.setdefault("invoke", None)  # type: ignore[arg-type]  # "not importable"
