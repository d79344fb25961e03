"""Keys and certificates of a node on disk; the monitor that watches them."""
