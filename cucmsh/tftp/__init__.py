"""TFTP: packets, the client that proves what a node serves, and the lab's server."""
