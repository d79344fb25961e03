"""Coming from elsewhere: phones that hold lists of another tool or of a CUCM."""
