"""WebSockets on the wire (RFC 6455, RFC 7692), without I/O, for either role."""
