"""What people write."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, Moment, now
from .comment import Comment
from .user import User


class Post(Base):
    __tablename__ = "posts"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    #: The picture's file in the folder of uploads, empty without one.
    picture: Mapped[str] = mapped_column(String(80), default="")
    written: Mapped[datetime] = mapped_column(Moment, default=now, index=True)
    changed: Mapped[datetime | None] = mapped_column(Moment)

    author: Mapped[User] = relationship()
    comments: Mapped[list[Comment]] = relationship(
        order_by=Comment.id, cascade="all, delete-orphan", passive_deletes=True
    )
