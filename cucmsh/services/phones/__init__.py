"""Use-cases about phones: what is known of them, previews, and their resets."""
