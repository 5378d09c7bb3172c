"""Comments: written and deleted below their post."""

from sqlalchemy.orm import joinedload

from tercel import web
from tercel.ext.db import db_session
from tercel.ext.security import check_permission, current_user, login_required

from ..model import Comment
from .forms import FormError, read_text
from .posts import find_post, render_post

LONGEST = 2000


@login_required(login="/login")
async def new_comment(request: web.Request) -> web.Response:
    """Keep a comment; the page comes back with what was typed where it can't be kept."""
    post = await find_post(request)
    await check_permission(request, "comment.write")
    form = await request.post()
    try:
        text = read_text(form, "text", "comment", LONGEST)
    except FormError as error:
        typed = form.get("text")
        comment = typed if isinstance(typed, str) else ""
        return await render_post(request, post, comment=comment, error=str(error))
    user = await current_user(request)
    comment = Comment(post_id=post.id, author_id=user.id, text=text)
    session = db_session(request)
    session.add(comment)
    await session.flush()
    place = request.app.router["post"].url_for(post_id=str(post.id))
    return web.HTTPSeeOther(place.with_fragment(f"comment-{comment.id}"))


@login_required(login="/login")
async def delete_comment(request: web.Request) -> web.Response:
    """Delete a comment of one's own, or any as an administrator."""
    post = await find_post(request)
    session = db_session(request)
    number = int(request.match_info["comment_id"])
    comment = await session.get(Comment, number, options=[joinedload(Comment.author)])
    if comment is None or comment.post_id != post.id:
        raise web.HTTPNotFound
    await check_permission(request, "comment.delete", comment)
    await session.delete(comment)
    place = request.app.router["post"].url_for(post_id=str(post.id))
    return web.HTTPSeeOther(place.with_fragment("comments"))
