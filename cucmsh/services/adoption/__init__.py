"""Coming from elsewhere, and going back: lists and keys of another tool, of a CUCM."""
