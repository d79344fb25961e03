"""How long services wait for nodes, locks and programs, all in seconds.

These bound a whole change or question, for one node or all of them together; single
steps of a connection have their own in ``remote.deadline``.
"""

from __future__ import annotations

# One change.
NODE_LOCK_SECONDS = 30  # for another change of this node's own files
PUSH_WAIT_SECONDS = 20  # for the push after a TFTP start, which takes up to 15
SIGN_SECONDS = 25.0  # measured: ten thousand files with a new key take 10 to 20
NODE_SECONDS = 120  # for all that a reset does on one node
STATUS_SECONDS = 30  # for the status of a TFTP service there
RESTART_SECONDS = 60  # for a service manager to start, stop or restart one
HOOK_SECONDS = 90  # for one hook of a member

# A push to the replicas, all of them together.
PUSH_AFTER_START_SECONDS = 12.0  # after a TFTP start; with the grace, 15 in all
ENROL_PUSH_SECONDS = 120.0  # when a node is added
PATIENT_SECONDS = 3600.0  # for a command, which a person can end
GRACE_SECONDS = 3.0  # for what is under way at the end

# Questions by TFTP.
SERVED_LIST_SECONDS = 3  # for a node's list: nobody waits longer at `show itl`
HOW_FAR_SECONDS = 3  # for the list of a node that broke off in its change
ONE_BEFORE_START_SECONDS = 2.0  # for each node, before a TFTP start
ALL_BEFORE_START_SECONDS = 3.0  # for all of them: TFTP is down meanwhile

# Looking at nodes, and checking the way onto a new one.
WAY_SECONDS = 30  # for one harmless command on a new node
HEALTH_SECONDS = 30.0  # for all that one node is asked, once it let us in
HEALTH_STATUS_SECONDS = 15.0  # for the status of its TFTP service

# Programs of this node.
OWN_STATUS_SECONDS = 15  # for the status of a service
UNIT_SECONDS = 5  # for what systemd knows of a unit
LOGIN_SECONDS = 15  # for one question about the logins of its administrators
