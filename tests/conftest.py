"""The rigs whose servers live as long as the process, for every folder of tests."""

pytest_plugins = ["tests.rigs.servers"]
