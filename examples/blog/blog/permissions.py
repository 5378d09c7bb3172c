"""Who may do what. Everybody may read; nobody who is not logged in may do anything else."""

from typing import Any

from tercel.ext.db import Database
from tercel.ext.security import Permissions

from .model import Comment, Post, User


def make_permissions(database: Database) -> Permissions:
    """The table of rules; users are looked up in `database`, by their number."""

    async def load_user(identity: str) -> User | None:
        if not identity.isdecimal():
            return None
        async with database.begin() as session:
            return await session.get(User, int(identity))

    permissions = Permissions(load_user)

    @permissions.rule("post.write", "comment.write")
    def may_write(user: User, context: Any) -> bool:
        return True

    @permissions.rule("post.edit", "post.delete")
    def owns_post(user: User, post: Post) -> bool:
        return user.is_admin or post.author_id == user.id

    @permissions.rule("comment.delete")
    def owns_comment(user: User, comment: Comment) -> bool:
        return user.is_admin or comment.author_id == user.id

    return permissions
