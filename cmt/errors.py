"""What goes wrong for a user of `cmt`, as opposed to a programmer's mistake (ValueError)."""


class CmtError(Exception):
    """Something the user can mend. The message is one line: what, where, and the cure."""
