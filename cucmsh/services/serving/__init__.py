"""What phones and replicas get besides the list: signed files, and copies of all."""
