"""Makes nodes, adds them to a cluster and takes them out again."""
