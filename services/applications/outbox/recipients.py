"""Whom mail goes to when the contact that an application names cannot be reached."""

from services.applications.tables.applications import Application
from shared.messages import Person


def handler_of(application: Application) -> Person | None:
    """Who began it, as the identity platform knew them; None where it told no address."""
    if not application.handler_email:
        return None
    return Person(
        name=application.handler_name or application.enterprise_name,
        email=application.handler_email,
        enterprise=application.enterprise,
    )


def fallback_of(application: Application, to: Person) -> Person | None:
    """The same, unless it is the contact's own address."""
    handler = handler_of(application)
    return handler if handler is not None and handler.email != to.email else None
