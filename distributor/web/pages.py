"""Every page of the desk, by the module that answers it."""

from starlette.routing import Route

from distributor.web import edit, live, people, releases, signin


def routes() -> list[Route]:
    """All routes, in order."""
    return [*signin.routes, *people.routes, *edit.routes, *live.routes, *releases.routes]
