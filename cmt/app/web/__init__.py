"""What answers the browser: the page, its addresses, and whose request is obeyed."""

from cmt.machine.extras import require

require("fastapi", "app", "the app")
