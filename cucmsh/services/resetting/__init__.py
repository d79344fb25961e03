"""A reset: planned, carried to every node, installed and proven."""
