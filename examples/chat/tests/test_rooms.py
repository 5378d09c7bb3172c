"""People in rooms: what they hear, how they are called, how they come back."""

import asyncio

import pytest

import tercel
from tercel import WSCloseCode, WSMsgType
from tercel.test_utils import TestClient

from .people import person


async def test_two_people_talk_and_a_latecomer_reads_it(client: TestClient) -> None:
    async with person(client, "Ada") as ada, person(client, "Ben") as ben:
        await ada.see("Ada", "Ben")
        await ada.say("  Good morning!\n")
        await ben.hear_until("Good morning!")
        await ben.say("And to you: ☕")
        for one in (ada, ben):
            await one.hear_until("And to you: ☕")
        assert ada.said == ben.said == [("Ada", "Good morning!"), ("Ben", "And to you: ☕")]
        async with person(client, "Cleo") as cleo:
            assert cleo.said == ada.said
            assert cleo.ids == sorted(set(cleo.ids)) == ada.ids
            await ben.see("Ada", "Ben", "Cleo")
        await ben.see("Ada", "Ben")


async def test_rooms_do_not_hear_each_other(client: TestClient) -> None:
    async with person(client, "Ada", "tea") as ada, person(client, "Ada", "coffee") as other:
        assert (ada.name, other.name) == ("Ada", "Ada")
        await other.say("in the other room")
        await other.hear_until("in the other room")
        await ada.say("here")
        await ada.hear_until("here")
        assert ada.said == [("Ada", "here")]
        assert ada.people == other.people == ["Ada"]


async def test_a_taken_name_gets_a_number_and_who_comes_back_keeps_it(client: TestClient) -> None:
    async with person(client, "Ada") as ada:
        async with person(client, "Ada", key="f" * 16) as other:
            assert other.name == "Ada 2"
            await ada.see("Ada", "Ada 2")
        async with person(client, "Ada") as again:
            assert again.name == "Ada"
            await ada.socket.close()
            await again.say("still here")
            await again.hear_until("still here")
            async with person(client, "Ben") as ben:
                assert ben.people == ["Ada", "Ben"]


async def test_the_history_has_an_end(client: TestClient) -> None:
    from chat.board import HISTORY

    async with person(client, "Ada") as ada:
        for number in range(HISTORY + 5):
            await ada.say(str(number))
        await ada.hear_until(str(HISTORY + 4))
        async with person(client, "Ben") as ben:
            assert [text for _, text in ben.said] == [str(n) for n in range(5, HISTORY + 5)]


@pytest.mark.parametrize("data", ["", "[]", "{}", '{"text": 5}', "null", "no json"])
async def test_what_is_no_message_is_told_to_its_sender(client: TestClient, data: str) -> None:
    async with person(client, "Ada") as ada:
        await ada.socket.send_str(data)
        while not ada.problems:
            await ada.hear()
        assert ada.problems == ["That was no message."]
        await ada.say("x" * 2001)
        while len(ada.problems) < 2:
            await ada.hear()
        assert ada.problems[1] == "A message has 2000 characters at most."
        await ada.say("   ")
        await ada.say("x" * 2000)
        await ada.hear_until("x" * 2000)
        assert len(ada.said) == 1


@pytest.mark.parametrize(
    ("room", "name", "key"),
    [
        ("Lobby", "Ada", "0" * 16),
        ("a_b", "Ada", "0" * 16),
        ("lobby", "  ", "0" * 16),
        ("lobby", "x" * 25, "0" * 16),
        ("lobby", "A\u202eda", "0" * 16),
        ("lobby", "Ada", "secret"),
    ],
)
async def test_who_does_not_fit_is_not_let_in(
    client: TestClient, room: str, name: str, key: str
) -> None:
    with pytest.raises(tercel.WSServerHandshakeError) as caught:
        await client.ws_connect(f"/rooms/{room}/socket", params={"name": name, "key": key})
    assert caught.value.status == 400


async def test_other_sites_are_not_let_in(client: TestClient) -> None:
    where = {"params": {"name": "Ada", "key": "0" * 16}}
    with pytest.raises(tercel.WSServerHandshakeError) as caught:
        await client.ws_connect("/rooms/lobby/socket", origin="http://other.example", **where)
    assert caught.value.status == 403
    own = str(client.make_url("/").origin())
    async with client.ws_connect("/rooms/lobby/socket", origin=own, **where) as socket:
        assert (await socket.receive()).type is WSMsgType.TEXT


async def test_the_end_of_the_program_is_told(client: TestClient) -> None:
    async with person(client, "Ada") as ada:
        closing = asyncio.ensure_future(client.server.close())
        while (message := await ada.socket.receive()).type is WSMsgType.TEXT:
            pass
        assert message.type is WSMsgType.CLOSE
        assert message.data == WSCloseCode.GOING_AWAY
        await closing


async def test_the_page_and_its_parts(client: TestClient) -> None:
    async with client.get("/") as answer:
        assert answer.content_type == "text/html"
        page = await answer.text()
    for path in ("/static/icon.svg", "/static/style.css", "/static/chat.js"):
        assert path in page
        async with client.get(path) as answer:
            assert answer.status == 200
