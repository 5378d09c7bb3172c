"""Accounts, posts, comments and pictures, as people without a browser's comfort meet them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tercel import ClientSession
from tercel.test_utils import TestServer

from .people import PASSWORD, Visitor

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


async def test_an_empty_blog(visitor: Visitor) -> None:
    assert "Nothing has been written yet. Register, and begin." in await visitor.get("/")


async def test_register_log_out_log_in(visitor: Visitor) -> None:
    await visitor.register("Ada")
    await visitor.get("/login")
    assert visitor.path == "/"
    await visitor.post("/logout")
    assert "Log in" in visitor.text
    await visitor.get("/login?next=/posts/new")
    await visitor.post("/login", {"name": " ada ", "password": PASSWORD, "next": "/posts/new"})
    assert (visitor.status, visitor.path) == (200, "/posts/new")


@pytest.mark.parametrize(
    ("name", "password", "sentence"),
    [
        ("", PASSWORD, "Please fill in the name."),
        ("x" * 41, PASSWORD, "The name may have 40 characters; this has 41."),
        ("a\u202eb", PASSWORD, "The name has characters that can&#39;t be shown."),
        ("Ada", "short", "A password has at least 8 characters."),
        ("Ada", "x" * 201, "A password has at most 200 characters."),
        ("ROBIN", PASSWORD, "Somebody is called ROBIN already; please take another name."),
    ],
)
async def test_who_cannot_register(visitors: Any, name: str, password: str, sentence: str) -> None:
    await visitors().register("Robin")
    visitor = visitors()
    await visitor.get("/register")
    await visitor.post("/register", {"name": name, "password": password})
    assert visitor.status == 400
    assert sentence in visitor.text


async def test_two_who_take_a_name_at_once(visitors: Any) -> None:
    async def register() -> int:
        visitor = visitors()
        await visitor.get("/register")
        await visitor.post("/register", {"name": "Ada", "password": PASSWORD})
        return int(visitor.status)

    assert sorted(await asyncio.gather(*(register() for _ in range(3)))) == [200, 400, 400]


async def test_a_wrong_password_and_a_wrong_name_look_the_same(visitors: Any) -> None:
    await visitors().register("Ada")
    pages = set()
    for name in ("Ada", "Nobody"):
        visitor = visitors()
        await visitor.get("/login")
        await visitor.post("/login", {"name": name, "password": "wrong"})
        assert visitor.status == 400
        assert "The name or the password is wrong." in visitor.text
        pages.add(visitor.text.count("\n"))
    assert len(pages) == 1


async def test_a_login_leads_nowhere_else(visitor: Visitor) -> None:
    await visitor.register("Ada")
    await visitor.post("/logout")
    for place in ("//evil.example", "https://evil.example/", "/\\evil.example"):
        await visitor.get("/login")
        await visitor.post("/login", {"name": "Ada", "password": PASSWORD, "next": place})
        assert (visitor.status, visitor.path) == (200, "/")
        await visitor.post("/logout")


async def test_forms_without_their_token_are_refused(visitor: Visitor) -> None:
    await visitor.register("Ada")
    await visitor.post("/posts/new", {"title": "a", "text": "b"}, token=False)
    assert visitor.status == 403
    assert "token" in visitor.text
    assert "Nothing has been written yet" in await visitor.get("/")


async def test_a_post_and_its_life(visitors: Any) -> None:
    ada, ben = visitors(), visitors()
    await ada.register("Ada")
    path = await ada.write("<b>One</b>", "First\r\n\r\n<script>alert(1)</script>")
    assert "&lt;b&gt;One&lt;/b&gt;" in ada.text
    assert "First\n\n&lt;script&gt;" in ada.text
    assert "&lt;b&gt;One" in await ben.get("/")
    await ada.get(f"{path}/edit")
    await ada.post(f"{path}/edit", {"title": "Two", "text": "Other words"})
    assert ada.path == path
    assert "Two" in await ben.get(path)
    assert "changed" in ben.text
    await ada.post(f"{path}/delete")
    assert (ada.status, ada.path) == (200, "/")
    await ben.get(path)
    assert ben.status == 404


@pytest.mark.parametrize(
    ("title", "text", "sentence"),
    [
        ("", "words", "Please fill in the title."),
        ("x" * 201, "words", "The title may have 200 characters; this has 201."),
        ("One", " \n ", "Please fill in the text."),
        ("One", "a\0b", "The text has characters that can&#39;t be shown."),
    ],
)
async def test_posts_that_are_none(visitor: Visitor, title: str, text: str, sentence: str) -> None:
    await visitor.register("Ada")
    await visitor.get("/posts/new")
    await visitor.post("/posts/new", {"title": title, "text": text})
    assert visitor.status == 400
    assert sentence in visitor.text
    path = await visitor.write("One")
    await visitor.get(f"{path}/edit")
    await visitor.post(f"{path}/edit", {"title": title, "text": text})
    assert visitor.status == 400
    assert sentence in visitor.text
    assert "<h1>One</h1>" in await visitor.get(path)


async def test_what_is_not_yours(visitors: Any) -> None:
    ada, ben, stranger = visitors(), visitors(), visitors()
    await ada.register("Ada")
    await ben.register("Ben")
    path = await ada.write("Hers")
    await ada.post(f"{path}/comments", {"text": "mine"})
    assert "Edit" not in await ben.get(path)
    for post in (f"{path}/edit", f"{path}/delete", f"{path}/comments/1/delete"):
        await ben.post(post, {"title": "His", "text": "now"})
        assert (ben.status, "This is not yours to do." in ben.text) == (403, True)
        await ben.get(path)
        await stranger.get("/login")
        await stranger.post(post, {"title": "His", "text": "now"})
        assert stranger.path.startswith("/login")
    await ben.get(f"{path}/edit")
    assert ben.status == 403
    await stranger.get(f"{path}/edit")
    assert stranger.path == f"/login?next={path}/edit"
    assert "Hers" in await stranger.get(path)
    assert "mine" in stranger.text


async def test_an_administrator_may(visitors: Any, database: str) -> None:
    from blog.config import Settings
    from init.samples import make_admin

    ada, ben = visitors(), visitors()
    await ada.register("Ada")
    await ben.register("Ben")
    path = await ada.write("Hers")
    assert (
        await make_admin(Settings(database=database), "Nobody") == "There is nobody called Nobody."
    )
    assert await make_admin(Settings(database=database), "ben") == "Ben is an administrator now."
    await ben.get(path)
    await ben.post(f"{path}/delete")
    assert (ben.status, ben.path) == (200, "/")


async def test_comments(visitors: Any) -> None:
    ada, ben = visitors(), visitors()
    await ada.register("Ada")
    await ben.register("Ben")
    path = await ada.write("One")
    await ben.get(path)
    await ben.post(f"{path}/comments", {"text": "  "})
    assert (ben.status, "Please fill in the comment." in ben.text) == (400, True)
    await ben.post(f"{path}/comments", {"text": "x" * 2001})
    assert "The comment may have 2000 characters; this has 2001." in ben.text
    await ben.post(f"{path}/comments", {"text": "Well said"})
    assert "Well said" in ben.text
    assert "1 comment<" in ben.text
    assert "Ada · <time" in await ada.get("/")
    assert "1 comment<" in ada.text
    other = await ada.write("Two")
    await ben.get(path)
    await ben.post(f"{other}/comments/1/delete")
    assert ben.status == 404
    await ben.get(path)
    await ben.post(f"{path}/comments/1/delete")
    assert "0 comments" in ben.text


async def test_pictures(visitor: Visitor, server: TestServer, tmp_path: Path) -> None:
    from tercel import FormData

    def files() -> list[str]:
        return sorted(path.name for path in (tmp_path / "uploads").iterdir())

    await visitor.register("Ada")

    async def send(path: str, content: bytes, filename: str, **more: str) -> None:
        await visitor.get(path)
        form = FormData({"title": "One", "text": "words", **more})
        form.add_field("csrf_token", visitor.text.split('csrf_token" value="')[1].split('"')[0])
        form.add_field("picture", content, filename=filename, content_type="image/png")
        url = server.make_url(path)
        async with visitor._session.post(url, data=form) as response:
            await visitor._look(response)

    for content in (b"<script>", b"", b"%PDF"):
        await send("/posts/new", content, "evil.png")
        assert visitor.status == 400
        assert "A picture is a PNG, JPEG, GIF or WebP file." in visitor.text
    await send("/posts/new", PNG + bytes(5 << 20), "large.png")
    assert "A picture may have 5 MiB; this one has more." in visitor.text
    await send("/posts/new", PNG + bytes(7 << 20), "huge.png")
    assert visitor.status == 413
    assert files() == []
    await send("/posts/new", PNG, "../../evil.html")
    assert visitor.status == 200
    (name,) = files()
    assert name.endswith(".png")
    async with visitor._session.get(server.make_url(f"/uploads/{name}")) as response:
        assert response.content_type == "image/png"
        assert await response.read() == PNG
    path = visitor.path
    await send(f"{path}/edit", b"GIF89a", "other.gif")
    (other,) = files()
    assert other != name
    await send(f"{path}/edit", b"", "", **{"no-picture": "1"})
    assert files() == []
    await send(f"{path}/edit", PNG, "again.png")
    assert len(files()) == 1
    await visitor.post(f"{path}/delete")
    assert files() == []


async def test_pages_of_the_list(visitor: Visitor) -> None:
    await visitor.register("Ada")
    for number in range(11):
        await visitor.write(f"Post {number:02}")
    assert "Post 10" in await visitor.get("/")
    assert "Post 00" not in visitor.text
    assert "/?page=2" in visitor.text
    assert "Post 00" in await visitor.get("/?page=2")
    for page in ("0", "3", "x", "-1", "²", "9" * 50):
        await visitor.get(f"/?page={page}")
        assert visitor.status == 404


async def test_answers_for_what_is_not_there(visitor: Visitor) -> None:
    for path in ("/nowhere", "/posts/1", "/posts/0", "/posts/99999999999", "/static/../app.py"):
        await visitor.get(path)
        assert (visitor.status, "There is nothing here" in visitor.text) == (404, True)
    await visitor.get("/logout")
    assert (visitor.status, "That can&#39;t be done here." in visitor.text) == (405, True)


async def test_a_session_can_be_told_from_its_past(visitors: Any, server: TestServer) -> None:
    """What was known of a visitor before the login is worth nothing after it."""
    visitor = visitors()
    await visitor.get("/login")
    before = {cookie.value for cookie in visitor._session.cookie_jar}
    await visitor.register("Ada")
    after = {cookie.value for cookie in visitor._session.cookie_jar}
    assert before
    assert not before & after


async def test_cookies_behind_a_proxy_that_ends_tls(server: TestServer) -> None:
    proxied = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
    async with ClientSession() as session:
        for headers, is_secure in ((proxied, True), ({}, False)):
            async with session.get(server.make_url("/login"), headers=headers) as response:
                assert ("Secure" in response.headers["Set-Cookie"]) is is_secure
