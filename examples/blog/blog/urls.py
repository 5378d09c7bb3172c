"""Which path leads where."""

from pathlib import Path

from tercel import web

from .api import accounts, comments, posts
from .keys import SETTINGS

STATIC = Path(__file__).resolve().parent / "static"
POST = r"/posts/{post_id:[1-9]\d{0,8}}"


def setup_urls(app: web.Application) -> None:
    app.add_routes(
        [
            web.get("/", posts.index, name="index"),
            web.get("/register", accounts.register_page, name="register"),
            web.post("/register", accounts.register),
            web.get("/login", accounts.login_page, name="login"),
            web.post("/login", accounts.login),
            web.post("/logout", accounts.logout, name="logout"),
            web.get("/posts/new", posts.new_post_page, name="new_post"),
            web.post("/posts/new", posts.new_post),
            web.get(POST, posts.show_post, name="post"),
            web.get(POST + "/edit", posts.edit_post_page, name="edit_post"),
            web.post(POST + "/edit", posts.edit_post),
            web.post(POST + "/delete", posts.delete_post, name="delete_post"),
            web.post(POST + "/comments", comments.new_comment, name="new_comment"),
            web.post(
                POST + r"/comments/{comment_id:[1-9]\d{0,8}}/delete",
                comments.delete_comment,
                name="delete_comment",
            ),
            web.static("/static", STATIC, name="static", append_version=True),
            web.static("/uploads", app[SETTINGS].uploads, name="uploads"),
        ]
    )
