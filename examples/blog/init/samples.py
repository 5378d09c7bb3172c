"""Sample posts to look at, and the first administrator."""

import secrets
from datetime import timedelta

from sqlalchemy import func, select

from blog.api.forms import spell_key
from blog.config import Settings
from blog.model import Comment, Post, User
from blog.model.base import now
from tercel.ext.db import Database
from tercel.ext.security import hash_password

POSTS = (
    (
        "A place to sit",
        "Small falcons look for high places: a pole, a wire, the cross of a church.\n\n"
        "From there they see a vole at a hundred metres, by what it leaves behind: "
        "its tracks shine in a light that we can't see.",
    ),
    (
        "Hovering",
        "A kestrel that hovers keeps its head still to within six millimetres, whatever the wind "
        "does to the rest of it. It flies at exactly the speed of the wind, the other way.",
    ),
    (
        "What tercel means",
        "The male of a falcon is a third smaller than the female, and so falconers called him "
        "the tercel, from the Latin word for a third.\n\nSmall, and fast.",
    ),
)


async def add_samples(settings: Settings) -> int:
    """Put the sample posts in, by a user whom nobody can log in as; 0 where there are posts."""
    async with Database(settings.database) as database, database.begin() as session:
        if await session.scalar(select(func.count(Post.id))):
            return 0
        author = await session.scalar(select(User).where(User.key == "robin"))
        if author is None:
            author = User(name="Robin", key="robin", password=await _make_unknown())
        session.add(author)
        await session.flush()
        for age, (title, text) in enumerate(reversed(POSTS)):
            written = now() - timedelta(days=len(POSTS) - age)
            post = Post(title=title, text=text, author_id=author.id, written=written)
            post.comments = [Comment(author_id=author.id, text="More of this soon.")]
            session.add(post)
    return len(POSTS)


async def _make_unknown() -> str:
    return await hash_password(secrets.token_urlsafe(32))


async def make_admin(settings: Settings, name: str) -> str:
    """Let a user change and delete what others wrote; a sentence about how it went."""
    async with Database(settings.database) as database, database.begin() as session:
        user = await session.scalar(select(User).where(User.key == spell_key(name)))
        if user is None:
            return f"There is nobody called {name}."
        user.is_admin = True
        return f"{user.name} is an administrator now."
