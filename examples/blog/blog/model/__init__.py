"""The tables, as classes: users, posts, comments."""

from .base import Base
from .comment import Comment
from .post import Post
from .user import User

__all__ = ("Base", "Comment", "Post", "User")
