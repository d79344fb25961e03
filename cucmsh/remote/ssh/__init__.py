"""SSH by paramiko: the transport, logging in, running commands."""
