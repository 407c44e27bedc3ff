"""Music for many videos: names, the log, going on where a run was stopped."""

import json
import shutil
from dataclasses import replace

import pytest
from click.testing import CliRunner
from clips import draw_clip
from loopback import skip_without_loopback

from cmt.cli import main
from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.grid.hits import Marker
from cmt.machine.videos import find_videos
from cmt.music.key import parse_key
from cmt.music.words import Genre
from cmt.planning.energy import energy_of_sections, parse_section
from cmt.planning.form import parse_form
from cmt.planning.progression import parse_chords
from cmt.planning.wishes import Wishes
from cmt.soundtrack.batch import LOG, Job, Outcome, Settings, Summary, make_soundtracks, named, read_log, write_log
from cmt.soundtrack.output import Output
from midi_io import read_midi
from midi_io.song import Instrument

pytestmark = pytest.mark.slow

WISHES = Wishes(instruments=(Instrument.BASS,))
MIDI_ONLY = Output(midi_only=True)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """a/clip.mp4, b/clip.mp4, b/bad.mov, b/notes.txt and hidden things."""
    folder = tmp_path_factory.mktemp("clips")
    for name in ("a", "b", ".hidden"):
        (folder / name).mkdir()
    clip = draw_clip(folder / "a" / "clip.mp4", 1.0, 6)
    draw_clip(folder / "b" / "clip.mp4", 2.0, 6)
    (folder / "b" / "bad.mov").write_text("no video")
    (folder / "b" / "notes.txt").write_text("no video")
    shutil.copy(clip, folder / ".hidden" / "clip.mp4")
    shutil.copy(clip, folder / "a" / "._clip.mp4")
    return folder


def run(videos, folder, checkpoint, config=None, **options):
    settings = Settings(folder, WISHES, config or GenerateConfig(), checkpoint, output=MIDI_ONLY)
    return make_soundtracks(videos, settings, jobs=1, **options)


@pytest.fixture(scope="module")
def made(clips, checkpoint, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "out"
    return folder, run(find_videos([clips], folder).videos, folder, checkpoint)


def test_a_folders_videos_are_found_once_and_in_order(clips, tmp_path):
    found = find_videos([clips, clips / "a" / "clip.mp4"], tmp_path)
    assert [str(video.relative_to(clips)) for video in found.videos] == ["a/clip.mp4", "b/bad.mov", "b/clip.mp4"]
    assert found.n_other == 1
    assert [video.name for video in find_videos([clips], clips / "b").videos] == ["clip.mp4"]


def test_a_folder_without_videos_is_named(tmp_path):
    (tmp_path / "notes.txt").write_text("no video")
    with pytest.raises(CmtError, match=r"no videos in it \(other files: 1\); their names end in .3gp"):
        find_videos([tmp_path], tmp_path / "out")
    with pytest.raises(CmtError, match="results would lie among the videos"):
        find_videos([tmp_path], tmp_path)


def test_equal_stems_get_names_of_their_own_and_keep_them(tmp_path):
    videos = [tmp_path / name for name in ("a/clip.mp4", "b/Clip.mp4", "b/clip.mov", "c/clip.mp4", "b/CLIP.MOV")]
    jobs = named(videos, {})
    assert [job.name for job in jobs] == ["clip", "b-Clip", "b-clip-mov", "c-clip", "b-CLIP-MOV-2"]
    before = {str(job.video): Outcome(str(job.video), job.name, "done") for job in jobs[1:]}
    assert named([videos[3], tmp_path / "d/clip.mp4", videos[1]], before) == [
        Job(videos[3], "c-clip"),
        Job(tmp_path / "d/clip.mp4", "clip"),
        Job(videos[1], "b-Clip"),
    ]


def test_a_bad_video_is_an_outcome_and_the_others_get_music(made):
    folder, outcomes = made
    assert [(outcome.name, outcome.status) for outcome in outcomes] == [
        ("clip", "done"),
        ("bad", "failed"),
        ("b-clip", "done"),
    ]
    assert "bad.mov" in outcomes[1].error and "\n" not in outcomes[1].error
    assert [round(outcome.summary.duration) for outcome in outcomes if outcome.files] == [1, 2]
    assert {file.name for file in folder.iterdir()} == {
        LOG,
        *(f"{name}.{suffix}" for name in ("clip", "b-clip") for suffix in ("mid", "json", "png", "html")),
    }


def test_the_log_has_a_line_for_each_video(made, clips):
    folder, outcomes = made
    lines = [json.loads(line) for line in (folder / LOG).read_text().splitlines()]
    assert [line["video"] for line in lines] == [outcome.video for outcome in outcomes]
    assert [line["status"] for line in lines] == ["done", "failed", "done"]
    assert lines[0]["files"] == ["clip.html", "clip.json", "clip.mid", "clip.png"]


def test_what_is_done_with_the_same_settings_is_kept_and_the_rest_is_made(made, clips, checkpoint, tmp_path):
    folder = tmp_path / "out"
    shutil.copytree(made[0], folder)
    videos = find_videos([clips], folder).videos
    before = (folder / "clip.mid").stat().st_mtime_ns
    again = run(videos, folder, checkpoint)
    assert [(outcome.status, outcome.is_new) for outcome in again] == [
        ("done", False),
        ("failed", True),
        ("done", False),
    ]
    assert (folder / "clip.mid").stat().st_mtime_ns == before
    (folder / "b-clip.mid").unlink()
    (folder / "clip.json").write_text("{}")  # made by another run since
    last = run(videos, folder, checkpoint)
    assert [outcome.is_new for outcome in last] == [True, True, True]
    assert [outcome.name for outcome in last] == ["clip-2", "bad", "b-clip"]
    assert len((folder / LOG).read_text().splitlines()) == 3


def test_other_settings_are_another_run(made, clips, checkpoint, tmp_path):
    folder = tmp_path / "out"
    shutil.copytree(made[0], folder)
    (outcome,) = run([clips / "a" / "clip.mp4"], folder, checkpoint, GenerateConfig(seed=1))
    assert outcome.is_new and outcome.summary.seed == 1
    assert outcome.name == "clip-2" and outcome.files == tuple(
        f"clip-2.{suffix}" for suffix in ("html", "json", "mid", "png")
    )
    assert outcome.warnings[0] == "clip is there already and stays: this one is called clip-2"
    assert (folder / "clip.mid").read_bytes() == (made[0] / "clip.mid").read_bytes()
    assert (folder / "clip-2.mid").read_bytes() != (made[0] / "clip.mid").read_bytes()
    assert len((folder / LOG).read_text().splitlines()) == 3  # the others' lines stay
    (again,) = run([clips / "a" / "clip.mp4"], folder, checkpoint, GenerateConfig(seed=1))
    assert not again.is_new and again.name == "clip-2"


def test_files_are_replaced_where_that_is_asked_for(made, clips, checkpoint, tmp_path):
    folder = tmp_path / "out"
    shutil.copytree(made[0], folder)
    output = Output(midi_only=True, overwrite=True)
    settings = Settings(folder, WISHES, GenerateConfig(seed=1), checkpoint, output=output)
    (outcome,) = make_soundtracks([clips / "a" / "clip.mp4"], settings, jobs=1)
    assert outcome.is_new and outcome.name == "clip"
    assert (folder / "clip.mid").read_bytes() != (made[0] / "clip.mid").read_bytes()


def test_a_run_that_is_stopped_goes_on_where_it_was(made, clips, checkpoint, tmp_path):
    videos = find_videos([clips], tmp_path).videos

    def stop(outcome):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(videos, tmp_path, checkpoint, progress=stop)
    with (tmp_path / LOG).open("a") as log:
        log.write('{"video": "cut off in the mid')  # as a kill in the middle of a line leaves it
    assert [outcome.is_new for outcome in run(videos, tmp_path, checkpoint)] == [False, True, True]
    for name in ("clip.mid", "b-clip.mid"):
        assert (tmp_path / name).read_bytes() == (made[0] / name).read_bytes()


def test_a_log_is_read_as_it_was_written_and_strange_lines_are_passed_over(tmp_path):
    summary = Summary(duration=4.0, n_bar=2, tempo=120.0, key="C:major", genre=None, seed=0)
    outcome = Outcome("/v/clip.mp4", "clip", "done", "abc", 5, 6, files=("clip.mid",), summary=summary, is_new=False)
    failed = Outcome("/v/bad.mov", "bad", "failed", "abc", error="bad.mov: no video", is_new=False)
    write_log(tmp_path / LOG, [outcome, failed])
    assert read_log(tmp_path / LOG) == {"/v/clip.mp4": outcome, "/v/bad.mov": failed}
    first, second = (json.loads(line)["summary"] for line in (tmp_path / LOG).read_text().splitlines())
    assert (first, second) == (summary._asdict(), {})
    write_log(tmp_path / LOG, [outcome])
    line = (tmp_path / LOG).read_text()
    strange = [
        "",
        "[]",
        "{}",
        "7",
        line.replace("clip.mid", "../clip.mid"),
        line.replace('"name": "clip"', '"name": "/x"'),
        line.replace('"n_bar": 2', '"bars": 2'),
    ]
    (tmp_path / LOG).write_text("\n".join(strange))
    assert read_log(tmp_path / LOG) == {}
    assert read_log(tmp_path / "none") == {}


def test_no_video_is_overwritten_by_the_music_of_another(clips, checkpoint):
    videos = [clips / "a" / "clip.mp4", clips / "b" / "clip.mp4"]
    settings = Settings(clips / "b", Wishes(), GenerateConfig(), checkpoint)
    before = [video.read_bytes() for video in videos]
    with pytest.raises(CmtError, match=r"b/clip.mp4: is one of the videos; choose another `folder`|FluidSynth"):
        make_soundtracks(videos, settings, jobs=1)
    assert [video.read_bytes() for video in videos] == before
    assert not (clips / "b" / LOG).exists()


def test_the_words_of_which_the_hash_is_made_stay(tmp_path, monkeypatch):
    """Or runs that were begun with an earlier version would begin anew, with the same model, too."""
    monkeypatch.setattr("cmt.soundtrack.batch._version", lambda: "0.1.0")
    wishes = Wishes(Genre.POP, (Instrument.BASS,), "F#:minor", markers=(Marker(1.5, source="--hit"),))
    config = GenerateConfig(guidance=2.0, nucleus=0.85, note_nucleus=0.98, seed=4)  # the defaults of then
    settings = Settings(tmp_path, wishes, config, output=Output(midi_only=True, original_audio="drop"))
    assert settings.fingerprint("abc", None) == "f21d53f98ef1944b"
    again = replace(settings, wishes=replace(wishes, key=parse_key("gb:minor")))
    assert again.fingerprint("abc", None) == settings.fingerprint("abc", None)
    other = replace(settings, output=Output(midi_only=True, original_audio="mix"))
    assert other.fingerprint("abc", None) != settings.fingerprint("abc", None)


def test_other_chords_forms_and_names_of_sections_are_another_run(tmp_path):
    def fingerprint(*sections, **wishes):
        energy = energy_of_sections([parse_section(section) for section in sections]) if sections else None
        return Settings(tmp_path, Wishes(energy=energy, **wishes), GenerateConfig()).fingerprint("abc", None)

    runs = [
        fingerprint(),
        fingerprint(chords="C G"),
        fingerprint(chords="C G |"),
        fingerprint(form="AABA"),
        fingerprint(form="AABB"),
        fingerprint("0:drop"),
        fingerprint("0:intense"),
    ]
    assert len(set(runs)) == len(runs)
    assert fingerprint(chords="C G") == fingerprint(chords=parse_chords("C  g"))
    assert fingerprint(form="A A:4") == fingerprint(form=parse_form("a, A:4"))


def test_a_bug_with_one_video_does_not_end_the_run(clips, checkpoint, tmp_path, monkeypatch):
    def break_down(*args, **options):
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr("cmt.soundtrack.batch.make_soundtrack", break_down)
    (outcome,) = run([clips / "a" / "clip.mp4"], tmp_path, checkpoint)
    assert outcome.status == "failed" and "ZeroDivisionError: division by zero (a bug" in outcome.error
    assert "break_down" in json.loads((tmp_path / LOG).read_text())["trace"]


def test_two_processes_write_the_same(made, clips, checkpoint, tmp_path):
    videos = find_videos([clips], tmp_path).videos[1:]
    settings = Settings(tmp_path / "processes", WISHES, GenerateConfig(), checkpoint, output=MIDI_ONLY)
    assert [outcome.status for outcome in make_soundtracks(videos, settings, jobs=2)] == ["failed", "done"]
    assert read_midi(tmp_path / "processes" / "clip.mid") == read_midi(made[0] / "b-clip.mid")


def test_a_cluster_writes_the_same(made, clips, checkpoint, tmp_path):
    distributed = pytest.importorskip("distributed")
    skip_without_loopback()
    videos = find_videos([clips], tmp_path).videos[1:]
    settings = Settings(tmp_path / "cluster", WISHES, GenerateConfig(), checkpoint, output=MIDI_ONLY)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        outcomes = make_soundtracks(videos, settings, scheduler=cluster.scheduler_address)
    assert [outcome.status for outcome in outcomes] == ["failed", "done"]
    assert read_midi(tmp_path / "cluster" / "clip.mid") == read_midi(made[0] / "b-clip.mid")


def invoke(*arguments):
    return CliRunner().invoke(main, ["generate", *map(str, arguments)])


def test_the_command_prints_a_table_and_its_exit_code_says_that_one_failed(clips, checkpoint, tmp_path):
    options = ["-o", tmp_path, "--midi-only", "--instruments", "bass", "--checkpoint", checkpoint, "--jobs", 1]
    result = invoke(clips, *options)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["made", "failed", "made", "3", "wrote"]
    assert lines[3] == "3 videos: 2 made, 1 failed, 1 other file passed over"
    assert result.stderr.startswith("failed: bad.mov: ") and result.stderr.count("\n") == 1
    again = invoke(clips / "a" / "clip.mp4", clips / "b" / "clip.mp4", *options)
    assert again.exit_code == 0
    assert f"2 kept from before, made with the same settings (remove {tmp_path / LOG} to make them" in again.stdout
    assert invoke(clips / "a", "-q", *options).output == ""


def test_a_scheduler_that_cannot_be_reached_is_one_line(clips, checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr("cmt.machine.workers.TIMEOUT", 0.2)
    options = ["-o", tmp_path, "--midi-only", "--checkpoint", checkpoint, "--scheduler", "tcp://127.0.0.1:9"]
    result = invoke(clips / "a" / "clip.mp4", *options)
    assert result.exit_code == 1
    assert result.stderr.startswith("cmt: tcp://127.0.0.1:9: ") and result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "give a VIDEO, a FOLDER, or --length SECONDS or --bars N for music without one"),
        (["a", "--length", "5"], "--length and --bars are for music without a video; leave them out, or the VIDEO"),
        (
            ["a.mp4", "--duck", "6", "--original-audio", "keep"],
            "--duck is for speech that is mixed with the music; leave out --original-audio",
        ),
        (["--length", "5", "--original-audio", "mix"], "--original-audio is a video's; there is none with --length"),
        (["a", "--name", "song"], "--name is for one video"),
        (["a", "--takes", "0"], "Invalid value for '--takes': 0 is not in the range x>=1."),
        (
            ["a", "--keep-takes", "--takes", "1"],
            "--takes 1 writes no others that --keep-takes could keep; leave one of",
        ),
        (
            ["a", "--energy", "a.csv", "--section", "0:calm"],
            "--energy and --section say the same in two ways; leave one",
        ),
        (["a", "--section", "calm"], "Invalid value for '--section': no section 'calm'; write SECONDS:LEVEL"),
        (["a", "--chords", "C H#7"], "Invalid value for '--chords': no chord 'H#7'; write a root, such as C"),
        (
            ["a", "--chords", "C G Am | F"],
            "Invalid value for '--chords': 3 chords in the bar 'C G Am'; write 2 at most",
        ),
        (["a", "--form", "A:0"], "Invalid value for '--form': section 'A:0': must last from 1 to 9999 bars"),
        (["a", "--form", "solo"], "Invalid value for '--form': no form 'solo'; write sections in order, e.g. AABA"),
        (["a", "--mute", "drums"], "Invalid value for '--mute': no mute 'drums'; write INSTRUMENT@BEGIN-END"),
    ],
)
def test_orders_that_make_no_sense_are_one_line(options, message, clips, monkeypatch):
    monkeypatch.chdir(clips)
    result = invoke(*options)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"cmt: {message}") and result.stderr.count("\n") == 1


def test_the_help_shows_every_option_once():
    text = invoke("--help").stdout
    for parameter in main.commands["generate"].params:
        if parameter.param_type_name == "option":
            assert (
                sum(
                    line.lstrip().startswith((f"{parameter.opts[-1]} ", f"{parameter.opts[-1]}\n"))
                    or f", {parameter.opts[-1]} " in line
                    for line in text.splitlines()
                )
                >= 1
            ), parameter.name
    for heading in ("The music:", "Many videos:"):
        assert text.count(heading) == 1


def test_another_format_and_stems_are_another_run(tmp_path):
    def fingerprint(**output):
        return Settings(tmp_path, Wishes(), GenerateConfig(), output=Output(**output)).fingerprint("abc", None)

    runs = [fingerprint(), fingerprint(format="flac"), fingerprint(stems=True)]
    assert len(set(runs)) == 3
    assert fingerprint(format="wav", stems=False) == runs[0]
