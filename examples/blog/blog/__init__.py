"""A blog: people register, write, show pictures, and comment."""
