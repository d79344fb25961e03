"""TVS: the service that phones ask about a signer or a peer that they do not know.

The codec turns bytes into messages and back, without I/O; server and client carry them
over TLS. What a node vouches for, a use-case says.
"""
