"""What the cluster is, and how bytes and configured words reach a node.

Never looks inside the bytes: it has not heard of trust lists or certificates. The
doors to heavy libraries are ``ssh`` and ``sftp`` (paramiko) and ``process``
(subprocess); the rest is on the way to the prompt and imports little.
"""
