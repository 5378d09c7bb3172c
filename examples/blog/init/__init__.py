"""What a new blog begins with."""
