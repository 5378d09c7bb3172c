"""Register, log in, log out."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

import tercel.ext.jinja2 as aiohttp_jinja2
from tercel import web
from tercel.ext.db import db_session
from tercel.ext.security import (
    forget,
    hash_password,
    is_anonymous,
    remember,
    safe_path,
    verify_password,
)

from ..model import User
from .forms import FormError, read_name, read_password, spell_key

WRONG = "The name or the password is wrong."


@aiohttp_jinja2.template("register.html")
async def register_page(request: web.Request) -> dict[str, Any]:
    """The form for new people; who is logged in already is led home."""
    return await _form_page(request)


@aiohttp_jinja2.template("login.html")
async def login_page(request: web.Request) -> dict[str, Any]:
    """The form for people who are known."""
    return await _form_page(request)


async def _form_page(request: web.Request) -> dict[str, Any]:
    if not await is_anonymous(request):
        raise web.HTTPSeeOther("/")
    return {"name": "", "next": safe_path(request.query.get("next")), "error": None}


async def register(request: web.Request) -> web.Response:
    """A new user, who is logged in at once."""
    form = await request.post()
    try:
        name, password = read_name(form), read_password(form)
    except FormError as error:
        return _again("register.html", request, form, str(error))
    hashed = await hash_password(password)
    user = User(name=name, key=spell_key(name), password=hashed)
    session = db_session(request)
    try:
        async with session.begin_nested():
            session.add(user)
    except IntegrityError:
        sentence = f"Somebody is called {name} already; please take another name."
        return _again("register.html", request, form, sentence)
    return await _welcome(request, user, form.get("next"))


async def login(request: web.Request) -> web.Response:
    """The session is made anew, so that nobody can have prepared it (session fixation)."""
    form = await request.post()
    name, password = form.get("name"), form.get("password")
    if not isinstance(name, str) or not isinstance(password, str):
        return _again("login.html", request, form, WRONG)
    session = db_session(request)
    user = await session.scalar(select(User).where(User.key == spell_key(" ".join(name.split()))))
    # A password is checked for nobody too: the time tells no stranger which names there are.
    if not await verify_password(password, user.password if user else None) or user is None:
        return _again("login.html", request, form, WRONG)
    return await _welcome(request, user, form.get("next"))


async def _welcome(request: web.Request, user: User, place: Any) -> web.Response:
    response = web.HTTPSeeOther(safe_path(place))
    await remember(request, response, str(user.id))
    return response


def _again(template: str, request: web.Request, form: Any, sentence: str) -> web.Response:
    name = form.get("name")
    context = {
        "name": name if isinstance(name, str) else "",
        "next": safe_path(form.get("next")),
        "error": sentence,
    }
    return aiohttp_jinja2.render_template(template, request, context, status=400)


async def logout(request: web.Request) -> web.Response:
    """Forget who it was."""
    response = web.HTTPSeeOther("/")
    await forget(request, response)
    return response
