"""The documented errors that both sides raise (client_reference, "Client exceptions").

Their names are the client's; a server's WebSocket raises `ClientConnectionResetError` all the same,
as documented. `tercel.client.errors` has the rest of the hierarchy.
"""

__all__ = (
    "ClientConnectionError",
    "ClientConnectionResetError",
    "ClientError",
    "WSMessageTypeError",
)


class ClientError(Exception):
    """Root of every exception that is the client's own."""


class ClientConnectionError(ClientError):
    """Anything that concerns the connection and not the answer."""


class ClientConnectionResetError(ClientConnectionError, ConnectionResetError):
    """The connection went away while it was being written to."""


class WSMessageTypeError(TypeError):
    """A WebSocket message is of another type than the one that was asked for."""
