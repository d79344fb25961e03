"""How long the other nodes are waited for, in seconds: the one place.

What single steps of a connection may take is ``remote.deadline``'s. Here stands what a
whole change, or a question, allows one node or all of them together.
"""

from __future__ import annotations

# One change.
NODE_SECONDS = 120  # for all that a reset does on one node
STATUS_SECONDS = 30  # for the status of a TFTP service there
RESTART_SECONDS = 60
HOOK_SECONDS = 90  # for one hook of a member

# A push to the replicas, all of them together.
START_SECONDS = 12.0  # after a TFTP start; with the grace, 15 in all
PATIENT_SECONDS = 3600.0  # for a command, which a person can end
GRACE_SECONDS = 3.0  # for what is under way at the end

# Questions by TFTP.
LOOK_SECONDS = 3  # nobody waits longer for a node at `show itl`
ASK_SECONDS = 3  # of a node that has just fallen silent
START_LOOK_SECONDS = 2.0  # before a TFTP start, a node
TIMEOUT_SECONDS = 3.0  # before a TFTP start, all of them: TFTP is down meanwhile
