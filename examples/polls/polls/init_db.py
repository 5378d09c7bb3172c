"""python -m polls.init_db [--config FILE]: make the tables and fill them with sample questions.

Questions that are already there stay as they are.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncSession

from .db import DatabaseError, connect, name_database
from .models import Base, Choice, Question
from .settings import DEFAULT_FILE, SettingsError, load_settings

# The question, its age in days, and its choices with the votes they start with.
SAMPLES: list[tuple[str, int, dict[str, int]]] = [
    (
        "Which season do you look forward to most?",
        0,
        {"Spring": 14, "Summer": 11, "Autumn": 17, "Winter": 6},
    ),
    (
        "How do you take your coffee?",
        3,
        {"Black": 9, "With milk": 12, "With milk and sugar": 4, "Tea, please": 10},
    ),
    ("Tabs or spaces?", 9, {"Tabs": 7, "Spaces": 21, "Whatever the formatter says": 33}),
    (
        "Where do you get your best ideas?",
        21,
        {"At my desk": 0, "On a walk": 0, "In the shower": 0, "Just before falling asleep": 0},
    ),
]


async def init_db(url: URL) -> int:
    """Make the tables that lack, and return how many sample questions were put into them."""
    async with connect(url) as engine:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with AsyncSession(engine) as session:
            if await session.scalar(select(func.count()).select_from(Question)):
                return 0
            session.add_all(_make_samples(date.today()))
            await session.commit()
    return len(SAMPLES)


def _make_samples(today: date) -> list[Question]:
    return [
        Question(
            question_text=text,
            pub_date=today - timedelta(days=age),
            choices=[Choice(choice_text=name, votes=votes) for name, votes in choices.items()],
        )
        for text, age, choices in SAMPLES
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m polls.init_db", description=__doc__)
    parser.add_argument("--config", type=Path, default=DEFAULT_FILE, metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        url = load_settings(options.config).database
        count = asyncio.run(init_db(url))
    except (SettingsError, DatabaseError) as error:
        print(error, file=sys.stderr)
        return 2
    if count:
        print(f"Put {count} questions into the database {name_database(url)}.")
    else:
        print(f"The database {name_database(url)} has questions; they stay as they are.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
