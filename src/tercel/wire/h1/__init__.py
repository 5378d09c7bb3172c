"""HTTP/1.1 for both roles, without I/O (RFC 9112)."""
