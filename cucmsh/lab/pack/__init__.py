"""Commands of a lab, which only its nodes have: their configurations name this pack."""

PACK = "lab"
