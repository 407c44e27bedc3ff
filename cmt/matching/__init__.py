"""Music that is there already, held against videos: a library's index, scores, rows and films."""

from cmt.machine.extras import require

require("pyarrow", "match", "matching")
