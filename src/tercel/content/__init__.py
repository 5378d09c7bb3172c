"""Message bodies, shared by the client and the server."""
