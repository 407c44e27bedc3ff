"""The tool server for agents, through a client in the same process."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from clips import draw_clip
from mcp import Client

from cmt.app.tools.folders import Folders
from cmt.app.tools.server import tool_server
from cmt.errors import CmtError


def call(inside: Path, name: str, **arguments: Any) -> Any:
    """What a tool answers: what it gives, or its error as text."""

    async def run() -> Any:
        async with Client(tool_server([inside])) as client:
            result = await client.call_tool(name, arguments)
            return result.content[0].text if result.is_error else result.structured_content

    return anyio.run(run)


def test_the_tools_are_told(tmp_path: Path):
    async def names() -> list[str]:
        async with Client(tool_server([tmp_path])) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    assert anyio.run(names) == ["analyze", "describe", "generate", "redo", "match"]


@pytest.mark.slow
def test_a_video_gets_music_of_which_a_bar_is_written_anew(tmp_path: Path):
    draw_clip(tmp_path / "clip.mp4", 4.0)
    assert call(tmp_path, "analyze", video="clip.mp4")["duration"] == pytest.approx(4.0)
    assert call(tmp_path, "describe", video="clip.mp4")["told"]
    made = call(tmp_path, "generate", video="clip.mp4", folder="out", words="calm piano", midi_only=True)
    assert made["instruments"] == ["piano"] and (tmp_path / "out" / "clip.mid").exists()
    again = call(tmp_path, "redo", report="out/clip.json", folder="out", bars=["1"])
    assert again["name"] == "clip-2" and (tmp_path / "out" / "clip-2.mid").exists()
    found = call(tmp_path, "match", video="clip.mp4", library="out")["result"]
    assert sorted(Path(piece["source"]).name for piece in found) == ["clip-2.mid", "clip.mid"]
    assert all(0 < piece["score"] <= 1 and piece["reason"] for piece in found)
    assert "top 0: must be from 1" in call(tmp_path, "match", video="clip.mp4", library="out", top=0)
    assert "no such library" in call(tmp_path, "match", video="clip.mp4", library="elsewhere")


@pytest.mark.parametrize("path", ["../clip.mp4", "/etc/passwd", "link/clip.mp4", "a\0b"])
def test_no_path_leads_out_of_the_folders(path: str, tmp_path: Path):
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path)
    with pytest.raises(CmtError):
        Folders([inside]).path(path)
    (inside / "round").symlink_to("round")
    assert Folders([inside]).path("round").name == "round"  # told of later, as any file that is not there
    assert Folders([tmp_path / "other", inside]).path(str(inside / "clip.mp4")) == inside / "clip.mp4"


def test_an_error_is_one_line(tmp_path: Path):
    told = call(tmp_path, "analyze", video="../clip.mp4")
    assert "lies outside the folders that may be used" in told and "\n" not in told
    assert "no such file" in call(tmp_path, "describe", video="clip.mp4")
    assert "no part 'x'" in call(tmp_path, "redo", report="clip.json", folder="out", bars=["x"])
