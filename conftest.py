"""Every test of the repository, the examples' too, runs under tests/harness.py."""

pytest_plugins = ("tests.harness",)
