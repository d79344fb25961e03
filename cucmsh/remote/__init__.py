"""How bytes and configured words reach another node, within a deadline."""
