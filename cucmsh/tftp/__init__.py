"""TFTP: packets, and the client that proves what a node serves."""
