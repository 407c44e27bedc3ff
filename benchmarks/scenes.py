"""What `cmt describe` understands of videos, and decides: a table, clip by clip.

    python benchmarks/scenes.py VIDEO ... [--output docs/scenes.md]

The text round the table is kept in this file; what it says of single clips was seen by a person who looked at them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.meaning.mood import Mood
from cmt.meaning.seen import scenes_of_plan, with_looks
from cmt.planning.plan import major_probability, plan_music
from cmt.planning.wishes import Wishes, settled
from midi_io.whole_file import whole_file
from video_rhythm import analyze
from video_rhythm.kinds import FAMILIES, KINDS, NATURE
from video_rhythm.sights import AGREE, AGREEING, DRAWN, MOST_LOOKS, SURE

PAGE = """# Scenes

Written by `python benchmarks/scenes.py VIDEO ... --output docs/scenes.md`.

A video is told as scenes: shots that look alike, side by side, are one, and a place that is seen again is known
again. Each scene has colours, light, pace, a mood, and a word for what it shows, or none.

## What it shows

EfficientNet-Lite0, a network for 1,000 classes of ImageNet that comes with the installation (9.3 MB, Apache-2.0,
`data/make_picture_model.py`), looks at up to {MOST_LOOKS} pictures of a video, through OpenCV: no further library is
needed. `video_rhythm/kinds.py` groups its classes into {N_KIND} kinds: {KINDS}. Of some the family is said where no
kind is sure: {FAMILIES}; and {NATURE} for a leaf, a flower and a beetle on it. Forests, deserts, clouds, night skies
and crowds have no class in ImageNet and cannot be named.

It says a word only where the mean probability of the kind over the looks at a place is at least {SURE}, and at least
{AGREE} in {AGREEING} of them. Of what looks drawn (plain area from {DRAWN} on) it says a screen or print, or nothing.

The rule was set on 111 single pictures (opencv-doc's samples, wallpapers of GNOME and Lomiri, pictures of gradio's
and gcompris' packages), each labelled with the words that a person would accept before the network saw it, and
checked on 117 others (wallpapers of MATE and Plasma, pictures of scikit-image, scikit-learn, uikit, vegas,
photoswipe, holoviews, insightface, ultralytics). Many are abstract wallpapers and test patterns, of which any word is
wrong:

| pictures | how many | it speaks of | right | precision |
|---|---|---|---|---|
| the rule was set on: all | 111 | 37 | 31 | 0.84 |
| of these, such as show a kind | 64 | 33 | 31 | 0.94 |
| checked on: all | 117 | 31 | 26 | 0.84 |
| of these, such as show a kind | 69 | 28 | 26 | 0.93 |

It speaks of four in ten of the pictures that it could name. Wrong among the checked ones: pollen under a microscope
(flower, 78 %), a curtain of light (room, 91 %), a large leaf (animal, 78 %), a gable before the sky (landscape, 66
%), orange scales on black (aircraft, 79 %). In clips it errs less, for more than one look must agree; they are few,
though. Pictures are 228 and clips some 20: an error of some hundredths either way is likely. One labeller, who also
made the kinds.

## What follows from it

- The mood of the scene: each word adds up to 0.25 of valence and up to 0.2 of arousal (weapons -0.4 and 0.3), and
  makes the mood surer. The light of a screen or of print says nothing of a mood, so that a dark window is no longer
  sad: a quarter of the certainty is left. The numbers are judged (`cmt/planning/sights.py`).
- With the mood, tempo and mode, where the user says nothing.
- No genre and no instrument: nothing that we know says what a dog sounds like, and a wrong word would be heard.
- `shows` in a description is told with its percentage, and may be changed: the scene then has the mood of your word,
  or none of ours if it is a word that we do not know.

## The sample clips

None of the clips is in the repository. `?` is a place of which it is not sure.

{TABLE}

Where a person who looked at the frames would not agree, or would know more:

- `car-detection`, `05_default_juggle`, `demo`, `nasa_13013`: it is silent, where a person sees a car park from above,
  a man who juggles a ball in a park, one who jumps off a wall, and an engineer on a lift in the dark.
- `sintel_trailer-720p`: animation; silent throughout. Its snow storm and its fight look alike to the formulas of
  light.
- `solidWhiteRight`: a motorway seen from a car is a vehicle, not yet a road.
- `bee` and `flower`: nature, since the network is not sure whether of the thistle or of the bee.
- Light and colour are most of the valence: the bee is far more cheerful to the formula than a person would say, and
  the engineer in the dark is `depressed`, surely so, because the picture is black.
"""
HEAD = "| clip | scenes | shows | colours | mood, how sure | tempo | major | who plays |\n" + 8 * "|---" + "|\n"


def row(video: Path) -> str:
    """A video's row of the table."""
    rhythm = analyze(video)
    plan = plan_music(rhythm, settled(Wishes(), rhythm.duration), GenerateConfig())
    scenes = with_looks(scenes_of_plan(plan), rhythm)
    words = [scene.shows.word if scene.shows is not None else "?" for scene in rhythm.scenes if scene.same_as is None]
    colours = list(dict.fromkeys(colour for scene in scenes for colour in scene.colours[:1]))
    mood = plan.mood
    assert mood is not None  # there is a video
    feels = Mood(round(mood.valence, 2), round(mood.arousal, 2))
    players = ", ".join(one.label for one in plan.request.instruments or ())
    return (
        f"| `{video.stem}` | {len(rhythm.scenes)} ({len(words)} places) | {', '.join(words)} | {', '.join(colours)} | "
        f"{feels}, {mood.certainty:.0%} | {plan.timeline.tempo:.0f} | {major_probability(None, mood):.0%} | {players} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    parser.add_argument("--output", type=Path, help="write the page here instead of printing the table")
    options = parser.parse_args()
    rows = []
    for video in options.videos:
        try:
            rows.append(row(video))
            print(rows[-1], flush=True)
        except CmtError as error:
            print(error, file=sys.stderr)
    if options.output is not None:
        text = PAGE
        for name, value in {
            "TABLE": HEAD + "\n".join(rows),
            "MOST_LOOKS": str(MOST_LOOKS),
            "N_KIND": str(len(KINDS)),
            "KINDS": ", ".join(KINDS),
            "FAMILIES": ", ".join(FAMILIES),
            "NATURE": NATURE,
            "SURE": f"{SURE:g}",
            "AGREEING": f"{AGREEING:.0%}",
            "AGREE": f"{AGREE:g}",
            "DRAWN": f"{DRAWN:g}",
        }.items():
            text = text.replace("{" + name + "}", value)
        with whole_file(options.output) as unfinished:
            unfinished.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
