"""Use-cases of a node: plan, then apply. No terminal, no view, no library.

Collaborators come in as arguments (``site``); every change is read back before it is
reported. What a node keeps on disk is in docs/architecture.md#a-node-on-disk.
"""
