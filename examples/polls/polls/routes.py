"""Which address leads to which view."""

from pathlib import Path

from tercel import web

from . import views

STATIC = Path(__file__).resolve().parent / "static"
QUESTION = "/question/{question_id:[0-9]{1,9}}"


def setup_routes(app: web.Application) -> None:
    app.add_routes(
        [
            web.get("/", views.index, name="index"),
            web.get(QUESTION, views.question, name="question"),
            web.post(QUESTION, views.vote),
            web.get(QUESTION + "/results", views.results, name="results"),
            web.static("/static/", STATIC, name="static"),
        ]
    )
