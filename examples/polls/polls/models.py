"""The two tables: a question, and the choices that belong to it."""

from datetime import date

from sqlalchemy import Date, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """What all tables share: their metadata."""


class Question(Base):
    """A question that is put to the vote."""

    __tablename__ = "question"

    id: Mapped[int] = mapped_column(primary_key=True)
    question_text: Mapped[str] = mapped_column(String(200))
    pub_date: Mapped[date] = mapped_column(Date)
    choices: Mapped[list["Choice"]] = relationship(order_by="Choice.id")

    @property
    def total_votes(self) -> int:
        return sum(choice.votes for choice in self.choices)


class Choice(Base):
    """One answer to a question, and how often it was given."""

    __tablename__ = "choice"

    id: Mapped[int] = mapped_column(primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id", ondelete="CASCADE"))
    choice_text: Mapped[str] = mapped_column(String(200))
    votes: Mapped[int] = mapped_column(default=0, server_default="0")
