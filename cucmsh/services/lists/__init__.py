"""Trust lists: compose, accept, sign, reset, distribute."""
