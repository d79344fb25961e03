"""SSH: the transport, logging in, running words. The door to paramiko."""
