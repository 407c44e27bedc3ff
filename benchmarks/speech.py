"""How far music lies under speech, before and after, and whether the words stay as they are.

    python benchmarks/speech.py VIDEO ... [--genre GENRE] [--seed SEED]
    python benchmarks/speech.py --music WAV ...
    python benchmarks/speech.py --say VIDEO CLIP.mp4

Each VIDEO gets music twice, with `--duck off` and with the default. `voice - music` is the loudness (BS.1770) of the
video's own sound less that of the music, both as they are mixed, while words sound; `least` the same in the worst of
the windows of 3 s that are mostly speech. `words` is what is left of the mix without music and without the original
times its one gain, in dB below that original: below -100 it is rounding. `film` is what is left when the sound of the
finished mp4, decoded, is compared with the mix: what AAC does. `find s/min` is the processor time in which speech is
found in a minute of sound, decoding included; `network` that of the network alone.

`--music` prints the share of speech that is found in sound files without any. `--say` writes CLIP.mp4, the picture of
VIDEO under a voice by espeak-ng (pip install espeakng-loader), sentences with pauses between them.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import tempfile
import time
from pathlib import Path

import numpy as np

from cmt import GenerateConfig, Wishes, make_soundtrack
from cmt.film.ducking import gains_of
from cmt.film.mux import write_video
from cmt.film.picture import Picture, measure_picture, open_video
from cmt.film.sound import MUSIC_BACK, decoded_sound, original_sound
from cmt.film.speech import SAMPLE_RATE, Span, find_speech, speech_probabilities, speech_spans
from cmt.music.words import GENRES
from cmt.report.speech import Speech
from cmt.soundtrack.output import Output
from midi_io.mastering import loudness, true_peak

RATE = 44_100
WINDOW = 3.0
SENTENCES = (
    "In this tutorial we look at how the skeleton is built.",
    "First, select all the markers, and press the green button.",
    "Now the model moves. Nothing else has to be changed.",
    "If a joint turns the wrong way, open the menu on the right, and choose another axis.",
    "That is all. Thank you for watching.",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path, nargs="*", metavar="VIDEO")
    parser.add_argument("--genre", choices=list(GENRES), default="pop")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--music", type=Path, nargs="+", default=[], metavar="WAV")
    parser.add_argument("--say", type=Path, nargs=2, metavar=("VIDEO", "CLIP"))
    options = parser.parse_args()
    if options.say:
        say(*options.say)
    for path in options.music:
        sound = sound_of(path, None, SAMPLE_RATE, "mono")[:, 0]
        spans = speech_spans(speech_probabilities(sound), len(sound) / SAMPLE_RATE)
        print(
            f"{path.name}: speech in {share(spans, len(sound) / SAMPLE_RATE):.1%} of {len(sound) / SAMPLE_RATE:.1f} s"
        )
    for video in options.videos:
        print_video(video, options.genre, options.seed)


def print_video(video: Path, genre: str, seed: int) -> None:
    picture = measure_picture(video)
    seconds = float(picture.duration)
    begin = time.process_time()
    spans = find_speech(video)
    found = time.process_time() - begin
    mono = sound_of(video, picture, SAMPLE_RATE, "mono")[:, 0]
    begin = time.process_time()
    speech_probabilities(mono)
    network = time.process_time() - begin
    print(
        f"{video.name}: {len(spans)} spans, speech in {share(spans, seconds):.1%} of {seconds:.1f} s; "
        f"find {found * 60 / seconds:.2f} s/min, network {network * 60 / seconds:.2f} s/min"
    )
    if not spans:
        return
    original = sound_of(video, picture, RATE)
    for name, duck in (("before", None), ("after", 10.0)):
        with tempfile.TemporaryDirectory() as folder:
            output = Output(original_audio="mix", duck=duck)
            config = GenerateConfig(seed=seed)
            made = make_soundtrack(video, folder, Wishes(genre=GENRES[genre]), config, output=output, name="film")
            music = sound_of(Path(folder, "film.wav"), None, RATE)[: len(original)]
            film = sound_of(Path(folder, "film.mp4"), None, RATE)[: len(original)]
        speech = made.report.speech
        print_distance(name, speech, spans, music, original)
        if speech is not None:
            print_words(speech, music, original, film)


def print_distance(
    name: str, speech: Speech | None, spans: tuple[Span, ...], music: np.ndarray, original: np.ndarray
) -> None:
    n = len(music)
    gains = np.full(n, 10 ** (MUSIC_BACK / 20)) if speech is None else gains_of(speech.curve, n, RATE)
    mixed = gains[:, None] * music
    spoken = np.zeros(n, bool)
    for span in spans:
        spoken[round(span.begin * RATE) : round(span.end * RATE)] = True
    whole = loudness(original[:n][spoken], RATE) - loudness(mixed[spoken], RATE)
    size = round(WINDOW * RATE)
    windows = [slice(at, at + size) for at in range(0, n - size + 1, RATE // 2)]
    each = [
        loudness(original[:n][window][spoken[window]], RATE) - loudness(mixed[window][spoken[window]], RATE)
        for window in windows
        if spoken[window].mean() > 0.5
    ]
    print(f"  {name:7} voice - music {whole:5.1f} dB, least {min(each, default=whole):5.1f} dB")


def print_words(speech: Speech, music: np.ndarray, original: np.ndarray, film: np.ndarray) -> None:
    """Whether the original in the mix is the original times one gain; both parts are worked out anew here."""
    from cmt.film.ducking import Mixer

    assert speech.gain is not None and speech.loudness is not None
    n = min(len(music), len(original))
    music, original = music[:n], original[:n]
    mixer = Mixer(speech.spans, speech.distance, -14.0)
    mix, _ = mixer(music, original, RATE)
    assert mixer.made is not None
    gain = 10 ** (mixer.made.gain / 20)
    words = gain * original
    rest = mix - gain * gains_of(mixer.made.curve, n, RATE)[:, None] * music - words
    coded = film[:n] - mix[: len(film)]
    print(
        f"          words {decibels(rest) - decibels(words):6.1f} dB, film {decibels(coded) - decibels(mix):6.1f} dB, "
        f"{loudness(film, RATE):.1f} LUFS, true peak of the mix {true_peak(mix, RATE):.2f} dBTP"
    )


def share(spans: tuple[Span, ...], seconds: float) -> float:
    return sum(span.end - span.begin for span in spans) / seconds


def decibels(sound: np.ndarray) -> float:
    return 10 * float(np.log10(np.mean(np.square(sound, dtype=np.float64)) + 1e-20))


def sound_of(path: Path, picture: Picture | None, rate: int, layout: str = "stereo") -> np.ndarray:
    """The sound of a video under its picture, or the whole sound of a file."""
    with open_video(path) if picture else _opened(path) as container:
        if picture is not None:
            stream = original_sound(container, container.streams[picture.stream_index])
            assert stream is not None
            return decoded_sound(path, stream.index, picture, rate, layout=layout)
        import av

        resampler = av.AudioResampler("fltp", layout, rate)
        parts = [part.to_ndarray() for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        parts += [part.to_ndarray() for part in resampler.resample(None)]
    return np.concatenate(parts, axis=1).T


def _opened(path: Path):
    import av

    return av.open(str(path))


def say(video: Path, clip: Path) -> None:
    """Write `clip`: the picture of `video` under sentences that espeak-ng says."""
    picture = measure_picture(video)
    sound = np.zeros((round(picture.duration * RATE), 2), np.float32)
    at = 2.0
    for sentence in SENTENCES:
        voice = spoken(sentence)
        begin = round(at * RATE)
        part = sound[begin : begin + len(voice)]
        part += 0.35 * voice[: len(part), None] / np.abs(voice).max()
        at += len(voice) / RATE + 2.5
    write_video(video, sound, RATE, clip)
    print(f"wrote {clip}: a voice over {video.name}, {loudness(sound, RATE):.1f} LUFS")


def spoken(sentence: str) -> np.ndarray:
    """A sentence as espeak-ng says it, (n_sample,) at `RATE`."""
    loader = importlib.import_module("espeakng_loader")
    library = ctypes.CDLL(loader.get_library_path())
    retrieval = 1  # the samples come to a callback, nothing is played
    rate = library.espeak_Initialize(retrieval, 0, loader.get_data_path().encode(), 0)
    library.espeak_SetVoiceByName(b"en-us")
    parts: list[np.ndarray] = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    def take(samples, n_sample, _):
        if samples and n_sample > 0:
            parts.append(np.ctypeslib.as_array(samples, (n_sample,)).astype(np.float64) / 32768)
        return 0

    library.espeak_SetSynthCallback(take)
    text = sentence.encode()
    library.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, 0, 0, 1, None, None)
    library.espeak_Synchronize()
    said = np.concatenate(parts)
    times = np.arange(round(len(said) * RATE / rate)) / RATE
    return np.interp(times, np.arange(len(said)) / rate, said)


if __name__ == "__main__":
    main()
