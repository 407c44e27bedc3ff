"""The main job as tools for agents, by the Model Context Protocol."""

from cmt.machine.extras import require

require("mcp", "tools", "the tool server")
