"""A cluster on 127.0.0.1: real servers and real files, for one person or one test.

Nothing here is meant for a network: every server refuses or is never given another
address than loopback.
"""
