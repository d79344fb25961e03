"""Another release for a cluster: tried on every node, previewed, then done for all.

The publisher asks each member what its next TFTP start would serve under that release
(``trial``, ``plan``), shows who takes that (``preview``), and after one ``yes`` writes
the configurations and restarts Cisco Tftp on all of them (``change``).
"""
