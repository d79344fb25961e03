"""Whether a node is set up as it must be: `cucmsh doctor`."""
