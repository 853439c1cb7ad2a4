"""The one exception a user is meant to read."""


class UserError(Exception):
    """A mistake the user can mend: one line that names the thing and the cure, shown without a traceback."""
