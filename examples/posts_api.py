"""A JSON API over SQLite, with one transaction for each request.

`python examples/posts_api.py posts.sqlite3` (needs aiosqlite), then

    curl -d '{"title": "One", "text": "First words"}' http://127.0.0.1:8080/posts
    curl http://127.0.0.1:8080/posts/1

The middleware commits what a handler has done when it answers well, and takes it back when it
raises, answers with an error, or is cancelled.
"""

import json
import sqlite3
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiosqlite

from tercel import web
from tercel.typedefs import Handler

FILE = web.AppKey("file", str)
DATABASE = web.RequestKey("database", aiosqlite.Connection)

SCHEMA = """
CREATE TABLE IF NOT EXISTS posts (
    id INTEGER PRIMARY KEY, title TEXT NOT NULL CHECK (length(title) <= 200), text TEXT NOT NULL
)
"""

routes = web.RouteTableDef()


@web.middleware
async def transaction(request: web.Request, handler: Handler) -> web.StreamResponse:
    async with aiosqlite.connect(request.config_dict[FILE], isolation_level=None) as database:
        database.row_factory = sqlite3.Row
        request[DATABASE] = database
        changes = request.method not in ("GET", "HEAD")
        await database.execute("BEGIN IMMEDIATE" if changes else "BEGIN")
        done = False
        try:
            response = await handler(request)
            done = response.status < 400
            return response
        except web.HTTPException as answer:
            done = answer.status < 400  # a redirect that was raised
            raise
        finally:
            await database.execute("COMMIT" if done else "ROLLBACK")


async def read_post(request: web.Request) -> dict[str, str]:
    """The request's title and text; 400 in one sentence for anything else."""
    try:
        post: Any = await request.json()
    except ValueError:
        raise problem(web.HTTPBadRequest, "The body is not JSON.") from None
    if not isinstance(post, dict) or set(post) != {"title", "text"}:
        raise problem(web.HTTPBadRequest, "A post has a 'title' and a 'text', and nothing else.")
    if not all(isinstance(value, str) for value in post.values()):
        raise problem(web.HTTPBadRequest, "The title and the text are strings.")
    if not 0 < len(post["title"]) <= 200:
        raise problem(web.HTTPBadRequest, "The title has between 1 and 200 characters.")
    return post


def problem(kind: type[web.HTTPException], sentence: str) -> web.HTTPException:
    return kind(text=json.dumps({"error": sentence}), content_type="application/json")


@routes.get("/posts")
async def list_posts(request: web.Request) -> web.Response:
    rows = await request[DATABASE].execute_fetchall("SELECT * FROM posts ORDER BY id LIMIT 100")
    return web.json_response([dict(row) for row in rows])


@routes.post("/posts")
async def new_post(request: web.Request) -> web.Response:
    post = await read_post(request)
    statement = "INSERT INTO posts (title, text) VALUES (:title, :text)"
    async with request[DATABASE].execute(statement, post) as cursor:
        number = cursor.lastrowid
    place = request.app.router["post"].url_for(id=str(number))
    return web.json_response({"id": number}, status=201, headers={"Location": str(place)})


@routes.get(r"/posts/{id:\d{1,18}}", name="post")
async def one_post(request: web.Request) -> web.Response:
    statement = "SELECT * FROM posts WHERE id = ?"
    rows = list(
        await request[DATABASE].execute_fetchall(statement, [int(request.match_info["id"])])
    )
    if not rows:
        raise problem(web.HTTPNotFound, "There is no such post.")
    return web.json_response(dict(rows[0]))


@routes.delete(r"/posts/{id:\d{1,18}}")
async def delete_post(request: web.Request) -> web.Response:
    number = int(request.match_info["id"])
    async with request[DATABASE].execute("DELETE FROM posts WHERE id = ?", [number]) as cursor:
        if cursor.rowcount == 0:
            raise problem(web.HTTPNotFound, "There is no such post.")
    return web.Response(status=204)


async def tables(app: web.Application) -> AsyncIterator[None]:
    async with aiosqlite.connect(app[FILE]) as database:
        await database.execute("PRAGMA journal_mode = WAL")
        await database.execute(SCHEMA)
        await database.commit()
    yield


def make_app(file: str) -> web.Application:
    app = web.Application(middlewares=[transaction])
    app[FILE] = file
    app.cleanup_ctx.append(tables)
    app.add_routes(routes)
    return app


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python posts_api.py FILE")
    web.run_app(make_app(sys.argv[1]), host="127.0.0.1", port=8080)
