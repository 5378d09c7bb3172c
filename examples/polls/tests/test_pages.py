"""The pages, asked by the test client."""

import asyncio
import logging
import re

import pytest
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncSession

from polls.db import connect
from polls.models import Base, Choice, Question
from tercel.test_utils import TestClient


async def get(client: TestClient, path: str, status: int = 200) -> str:
    async with client.get(path) as response:
        assert response.status == status
        assert response.content_type == "text/html"
        return await response.text()


async def post(client: TestClient, path: str, form: dict[str, str]) -> tuple[int, str, str]:
    """Status, Location and text of the answer to a form."""
    async with client.post(path, data=form, allow_redirects=False) as response:
        return response.status, response.headers.get("Location", ""), await response.text()


async def count_votes(url: URL, choice_id: int) -> int:
    async with connect(url) as engine, AsyncSession(engine) as session:
        choice = await session.get(Choice, choice_id)
        assert choice is not None
        return choice.votes


async def test_the_list_shows_the_newest_question_first(client: TestClient) -> None:
    page = await get(client, "/")
    season, coffee = page.index("Which season"), page.index("your coffee?")
    assert season < coffee < page.index("Tabs or spaces?") < page.index("best ideas?")
    assert "48 votes" in page


async def test_every_link_of_every_page_leads_somewhere(client: TestClient) -> None:
    seen, waiting = set(), ["/", "/question/1/results?chosen=1"]
    while waiting:
        path = waiting.pop()
        seen.add(path)
        async with client.get(path) as response:
            assert response.status == 200, path
            text = await response.text()
            if response.content_type == "text/html":
                found = re.findall(r'(?:href|src|action)="([^"]+)"', text)
                waiting += [link for link in set(found) if link not in seen]
    assert {"/question/4", "/question/4/results", "/static/style.css"} <= seen


async def test_a_list_without_questions(database: URL, client: TestClient) -> None:
    async with connect(database) as engine, engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    assert "There are no questions yet." in await get(client, "/")


async def test_a_question_is_a_form_with_its_choices(client: TestClient) -> None:
    page = await get(client, "/question/1")
    assert '<form class="card" method="post" action="/question/1">' in page
    assert re.findall(r'type="radio" name="choice" value="(\d+)"', page) == ["1", "2", "3", "4"]
    assert "role=" not in page


async def test_text_from_the_database_is_never_markup(database: URL, client: TestClient) -> None:
    async with connect(database) as engine, AsyncSession(engine) as session:
        question = await session.get(Question, 1)
        assert question is not None
        question.question_text = "<script>alert('&')</script>"
        await session.commit()
    for path in "/", "/question/1", "/question/1/results":
        page = await get(client, path)
        assert "<script" not in page
        assert "&lt;script&gt;" in page


async def test_a_vote_is_counted_and_leads_to_the_results(
    database: URL, client: TestClient
) -> None:
    status, location, _ = await post(client, "/question/1", {"choice": "2"})
    assert (status, location) == (303, "/question/1/results?chosen=2")
    for _ in range(2):  # a reload doesn't vote again
        page = await get(client, location)
        assert "Your vote for <strong>Summer</strong> is counted." in page
    assert await count_votes(database, 2) == 12
    assert await count_votes(database, 1) == 14


@pytest.mark.parametrize(
    "form",
    [{}, {"choice": ""}, {"choice": "5"}, {"choice": "99999999999999999999"}, {"choice": "one"}],
    ids=["nothing", "empty", "of another question", "too large", "no number"],
)
async def test_a_form_without_a_choice_comes_back_with_an_error(
    database: URL, client: TestClient, form: dict[str, str]
) -> None:
    status, _, page = await post(client, "/question/1", form)
    assert status == 400
    assert 'role="alert">Please choose one of the answers.<' in page
    assert "<title>Error: " in page
    assert await count_votes(database, 5) == 9


async def test_two_votes_at_once_both_count(database: URL, client: TestClient) -> None:
    count = 30
    answers = await asyncio.gather(
        *(post(client, "/question/4", {"choice": "12"}) for _ in range(count))
    )
    assert {status for status, _, _ in answers} == {303}
    assert await count_votes(database, 12) == count


async def test_results_have_bars_and_shares(client: TestClient) -> None:
    page = await get(client, "/question/2/results")
    assert re.findall(r'class="bar" style="width: ([\d.]+)%"', page) == [
        "25.7",
        "34.3",
        "11.4",
        "28.6",
    ]
    assert re.findall(r'class="share">(\d+)%', page) == ["26", "34", "11", "29"]
    assert "35 votes" in page
    assert "Thank you" not in page


async def test_results_without_votes_divide_nothing_by_nothing(client: TestClient) -> None:
    page = await get(client, "/question/4/results")
    assert "Nobody has voted yet" in page
    assert page.count("width: 0%") == 4


async def test_one_vote_is_not_votes(client: TestClient) -> None:
    await post(client, "/question/4", {"choice": "12"})
    assert ">1 vote<" in await get(client, "/question/4/results")


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/question/99",
        "/question/99/results",
        "/question/0",
        "/question/-1",
        "/question/one",
        "/question/99999999999999999999",
        "/static/nothing.css",
        "/static/../polls.yaml",
    ],
)
async def test_what_is_not_there_has_its_own_page(client: TestClient, path: str) -> None:
    page = await get(client, path, status=404)
    assert "There is no such page" in page
    assert "/static/style.css" in page


async def test_a_vote_for_a_missing_question(client: TestClient) -> None:
    status, _, page = await post(client, "/question/99", {"choice": "1"})
    assert status == 404
    assert "There is no such page" in page


async def test_a_failure_has_its_own_page_and_is_logged(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(session: AsyncSession) -> None:
        raise LookupError("the secret of the database")

    monkeypatch.setattr("polls.db.list_questions", fail)
    page = await get(client, "/", status=500)
    assert "Something went wrong on our side" in page
    assert "secret" not in page
    (record,) = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert record.name == "polls.middlewares"
    assert record.getMessage() == "GET / failed"
    assert record.exc_info is not None
    monkeypatch.undo()
    await get(client, "/")


async def test_other_errors_stay_what_they_are(client: TestClient) -> None:
    async with client.post("/") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET,HEAD"


async def test_head_is_answered_like_get(client: TestClient) -> None:
    for path, status in ("/", 200), ("/question/1", 200), ("/static/style.css", 200), ("/no", 404):
        async with client.head(path) as response:
            assert response.status == status
            assert await response.read() == b""
