"""What a node writes down: audit, journal, history, pending, crash log."""
