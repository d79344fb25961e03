"""Use-cases of TVS: what this node vouches for, and for which phones that helps."""
