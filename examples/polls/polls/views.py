"""The pages: a request in, what a template needs or a redirect out."""

from typing import Any

import tercel.ext.jinja2 as aiohttp_jinja2
from tercel import web

from . import db
from .keys import SESSIONS
from .models import Question


@aiohttp_jinja2.template("index.html")
async def index(request: web.Request) -> dict[str, Any]:
    """All questions."""
    async with request.app[SESSIONS]() as session:
        return {"questions": await db.list_questions(session)}


@aiohttp_jinja2.template("question.html")
async def question(request: web.Request) -> dict[str, Any]:
    """One question, as a form."""
    return {"question": await _load_question(request), "error": None}


async def vote(request: web.Request) -> web.Response:
    """Count the vote and lead on to the results, so that a reload doesn't vote again."""
    asked = await _load_question(request)
    form = await request.post()
    chosen = next((c for c in asked.choices if str(c.id) == form.get("choice")), None)
    if chosen is None:
        context = {"question": asked, "error": "Please choose one of the answers."}
        return aiohttp_jinja2.render_template("question.html", request, context, status=400)
    async with request.app[SESSIONS]() as session:
        await db.count_vote(session, chosen)
    url = request.app.router["results"].url_for(question_id=str(asked.id))
    raise web.HTTPSeeOther(url.with_query(chosen=str(chosen.id)))


@aiohttp_jinja2.template("results.html")
async def results(request: web.Request) -> dict[str, Any]:
    """How often each answer was given; `?chosen=` marks the one that the visitor just gave."""
    asked = await _load_question(request)
    chosen = next((c for c in asked.choices if str(c.id) == request.query.get("chosen")), None)
    return {"question": asked, "chosen": chosen}


async def _load_question(request: web.Request) -> Question:
    async with request.app[SESSIONS]() as session:
        found = await db.find_question(session, int(request.match_info["question_id"]))
    if found is None:
        raise web.HTTPNotFound
    return found
