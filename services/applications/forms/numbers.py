"""The identifiers a form's fields are made of; the rules stand in `shared`, since registration asks for the same."""

from shared.numbers import bank_account, email, mobile, phone, plain, postcode, uscc

__all__ = ["bank_account", "email", "mobile", "phone", "plain", "postcode", "uscc"]
