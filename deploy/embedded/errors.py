"""Name what a person running the system on one machine can mend, each in one clear line."""


class CannotRun(Exception):
    """The message says what is wrong and what to do."""
