"""Posts: the list, one of them, writing, changing, deleting."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

import tercel.ext.jinja2 as aiohttp_jinja2
from tercel import web
from tercel.ext.db import db_session
from tercel.ext.security import check_permission, current_user, login_required, permits

from ..model import Comment, Post
from ..model.base import now
from . import pictures
from .forms import FormError, read_line, read_text

PAGE_SIZE = 10
LONGEST_TITLE = 200
LONGEST_TEXT = 50_000


@aiohttp_jinja2.template("index.html")
async def index(request: web.Request) -> dict[str, Any]:
    """The newest posts first, ten on a page."""
    number = _page_number(request)
    session = db_session(request)
    statement = (
        select(Post, func.count(Comment.id))
        .outerjoin(Post.comments)
        .options(joinedload(Post.author))
        .group_by(Post.id)
        .order_by(Post.written.desc(), Post.id.desc())
        .offset((number - 1) * PAGE_SIZE)
        .limit(PAGE_SIZE + 1)
    )
    rows = [tuple(row) for row in await session.execute(statement)]
    if not rows and number > 1:
        raise web.HTTPNotFound
    return {"posts": rows[:PAGE_SIZE], "page": number, "has_more": len(rows) > PAGE_SIZE}


def _page_number(request: web.Request) -> int:
    text = request.query.get("page", "1")
    if not text.isascii() or not text.isdigit() or not 0 < len(text) < 7 or int(text) < 1:
        raise web.HTTPNotFound
    return int(text)


async def find_post(request: web.Request) -> Post:
    """The post of the path, with its author; HTTPNotFound where there is none."""
    session = db_session(request)
    number = int(request.match_info["post_id"])
    post = await session.get(Post, number, options=[joinedload(Post.author)])
    if post is None:
        raise web.HTTPNotFound
    return post


async def show_post(request: web.Request) -> web.Response:
    """One post and its comments."""
    return await render_post(request, await find_post(request))


async def render_post(
    request: web.Request, post: Post, *, comment: str = "", error: str | None = None
) -> web.Response:
    """The page of a post; `comment` and `error` are of a comment that was not taken."""
    session = db_session(request)
    await session.refresh(post, ["comments"])
    statement = (
        select(Comment)
        .where(Comment.post_id == post.id)
        .options(selectinload(Comment.author))
        .order_by(Comment.id)
    )
    comments = [
        (made, await permits(request, "comment.delete", made))
        for made in await session.scalars(statement)
    ]
    context = {
        "post": post,
        "comments": comments,
        "may_edit": await permits(request, "post.edit", post),
        "comment": comment,
        "error": error,
    }
    status = 200 if error is None else 400
    return aiohttp_jinja2.render_template("post.html", request, context, status=status)


@login_required(login="/login")
async def new_post_page(request: web.Request) -> web.Response:
    """An empty form."""
    return _render_form(request, None, "", "")


@login_required(login="/login")
async def new_post(request: web.Request) -> web.Response:
    """Keep a post, and its picture if there is one."""
    user = await current_user(request)
    await check_permission(request, "post.write")
    form = await request.post()
    post = Post(author_id=user.id)
    return await _save(request, post, form)


@login_required(login="/login")
async def edit_post_page(request: web.Request) -> web.Response:
    """The form, filled in."""
    post = await find_post(request)
    await check_permission(request, "post.edit", post)
    return _render_form(request, post, post.title, post.text)


@login_required(login="/login")
async def edit_post(request: web.Request) -> web.Response:
    """Keep what was changed."""
    post = await find_post(request)
    await check_permission(request, "post.edit", post)
    post.changed = now()
    return await _save(request, post, await request.post())


@login_required(login="/login")
async def delete_post(request: web.Request) -> web.Response:
    """Delete a post, its comments, and its picture."""
    post = await find_post(request)
    await check_permission(request, "post.delete", post)
    session = db_session(request)
    await session.delete(post)
    await session.commit()
    pictures.remove(request, post.picture)
    return web.HTTPSeeOther("/")


async def _save(request: web.Request, post: Post, form: Any) -> web.Response:
    session = db_session(request)
    try:
        post.title = read_line(form, "title", "title", LONGEST_TITLE)
        post.text = read_text(form, "text", "text", LONGEST_TEXT)
        picture = await pictures.save(request, form.get("picture"))
    except FormError as error:
        await session.rollback()
        number = request.match_info.get("post_id")
        old = await find_post(request) if number else None
        return _render_form(request, old, form.get("title"), form.get("text"), str(error))
    before = post.picture or ""
    if picture or form.get("no-picture"):
        post.picture = picture
    session.add(post)
    try:
        await session.commit()
    except BaseException:
        pictures.remove(request, picture)
        raise
    if post.picture != before:
        pictures.remove(request, before)
    return web.HTTPSeeOther(request.app.router["post"].url_for(post_id=str(post.id)))


def _render_form(
    request: web.Request, post: Post | None, title: Any, text: Any, error: str | None = None
) -> web.Response:
    context = {
        "post": post,
        "title": title if isinstance(title, str) else "",
        "text": text if isinstance(text, str) else "",
        "error": error,
    }
    status = 200 if error is None else 400
    return aiohttp_jinja2.render_template("edit.html", request, context, status=status)
