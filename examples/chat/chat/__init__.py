"""A chat: rooms of people who talk over WebSockets."""
