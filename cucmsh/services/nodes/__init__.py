"""Nodes: making, joining, adding, and their health."""
