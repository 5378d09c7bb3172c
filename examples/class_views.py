"""Class-based views: one class for each kind of page, one method for each HTTP method.

`python examples/class_views.py`, then

    curl -d text=milk http://127.0.0.1:8080/notes
    curl http://127.0.0.1:8080/notes/1
    curl -X DELETE http://127.0.0.1:8080/notes/1

A method that a class does not have is answered with 405 and the list of those that it has.
"""

from itertools import count

from tercel import web

NOTES = web.AppKey("notes", dict[int, str])
NUMBERS = web.AppKey("numbers", count)  # type: ignore[type-arg]
MAX_NOTES = 1000

routes = web.RouteTableDef()


@routes.view("/notes")
class Notes(web.View):
    async def get(self) -> web.Response:
        """All notes, by number."""
        return web.json_response(self.request.app[NOTES])

    async def post(self) -> web.Response:
        """A new note, from the form field `text`."""
        notes = self.request.app[NOTES]
        text = (await self.request.post()).get("text")
        if not isinstance(text, str) or not text.strip():
            raise web.HTTPBadRequest(text="The field 'text' is empty.")
        if len(notes) >= MAX_NOTES:
            raise web.HTTPInsufficientStorage(text=f"There are {MAX_NOTES} notes already.")
        number = next(self.request.app[NUMBERS])
        notes[number] = text
        place = self.request.app.router["note"].url_for(number=str(number))
        return web.json_response({"id": number}, status=201, headers={"Location": str(place)})


@routes.view(r"/notes/{number:\d{1,9}}", name="note")
class Note(web.View):
    @property
    def number(self) -> int:
        number = int(self.request.match_info["number"])
        if number not in self.request.app[NOTES]:
            raise web.HTTPNotFound(text=f"There is no note {number}.")
        return number

    async def get(self) -> web.Response:
        """One note as text."""
        return web.Response(text=self.request.app[NOTES][self.number])

    async def delete(self) -> web.Response:
        """Remove it."""
        del self.request.app[NOTES][self.number]
        return web.Response(status=204)


def make_app() -> web.Application:
    app = web.Application()
    app[NOTES] = {}
    app[NUMBERS] = count(1)
    app.add_routes(routes)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
