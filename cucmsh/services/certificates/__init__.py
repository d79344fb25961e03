"""Keys and certificates of a node on disk."""
