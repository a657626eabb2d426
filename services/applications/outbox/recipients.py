"""Choose whom mail goes to: the contact that an application names, or who began it when the contact cannot be reached."""

from collections.abc import Mapping
from typing import Any

from services.applications.forms.definition import Form
from services.applications.forms.filled.checks import value_at
from services.applications.tables.applications import Application
from shared.messages import Person


def handler_of(application: Application) -> Person | None:
    """Return who began it, as the identity platform knew them; None where it told no address."""
    if not application.handler_email:
        return None
    return Person(
        name=application.handler_name or application.enterprise_name,
        email=application.handler_email,
        enterprise=application.enterprise,
    )


def fallback_of(application: Application, to: Person) -> Person | None:
    """`handler_of`, unless it is the contact's own address."""
    handler = handler_of(application)
    return handler if handler is not None and handler.email != to.email else None


def person_of(application: Application, form: Form, saved: Mapping[str, Mapping[str, Any]]) -> Person:
    """Whom the application's contact section names; with a telephone where the enterprise agreed to short messages."""
    email = value_at(form.contact_email, saved)
    mobile = value_at(form.contact_mobile, saved) if application.sms_agreed_at else None
    return Person(
        name=str(value_at(form.contact_name, saved) or application.enterprise_name),
        email=str(email) if email else None,
        enterprise=application.enterprise,
        mobile=str(mobile) if mobile else None,
    )
