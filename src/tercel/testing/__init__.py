"""Servers and clients for tests; `tercel.test_utils` is their documented address."""
