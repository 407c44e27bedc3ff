"""The lexicon: the words and phrases that a user may say, and what each means.

English first, German, Spanish and French beside it where a word means one thing only. All are lower case and without
accents, as `cmt.meaning.tokens` makes them: ``ae`` is not needed for an umlaut, ``glucklich`` finds *glücklich*.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cmt.meaning.mood import DEGREES, MOODS
from cmt.music.words import Genre
from midi_io.song import INSTRUMENTS, Instrument


def _phrases(text: str) -> list[str]:
    return [phrase.strip() for phrase in text.replace("\n", " ").split(",")]


_MOODS_SAID = {
    "happy": "glad, bright, sunny, gluecklich, glucklich, frohlich, heiter, feliz, alegre, joyeux, joyeuse,"
    "heureux, gai",
    "joyful": "joyous, joy, delighted, festive, celebratory, party, freudig",
    "cheerful": "cheery, merry, upbeat, good mood, feel good, feelgood, lighthearted, light hearted, jolly, munter",
    "playful": "whimsical, quirky, cute, childlike, bouncy, mischievous, verspielt, jugueton, espiegle, ludique",
    "funny": "comic, comical, humorous, silly, goofy, lustig, witzig, divertido, divertida, drole, amusant",
    "excited": "exciting, thrilling, thrilled, lebhaft, emocionante, excitant",
    "euphoric": "ecstatic, blissful, exhilarating, euphorisch, euforico, euphorique",
    "triumphant": "victorious, triumphal, glorious, triumphierend, triunfal, triomphant",
    "heroic": "brave, bold, heroisch, heroico, heroique",
    "epic": "grand, grandiose, majestic, cinematic, monumental, episch, epico, epica, epique",
    "powerful": "mighty, strong, kraftvoll, poderoso, puissant",
    "energetic": "energy, dynamic, lively, driving, pumping, high energy, energisch, energetisch, energico, energique",
    "groovy": "funky, danceable, swinging, catchy",
    "uplifting": "elevating, feel better, optimistic, positive, erhebend, optimista, optimiste",
    "inspiring": "inspirational, motivational, motivating, motivierend, inspirador, inspirant, corporate",
    "hopeful": "hope, promising, hoffnungsvoll, esperanzador, esperanzado, plein d'espoir",
    "confident": "proud, assured, determined, selbstbewusst, stolz, orgulloso, fier",
    "cool": "chic, stylish, laid back, laidback, smooth, lassig",
    "warm": "cosy, cozy, homely, friendly, gemutlich, calido, chaleureux",
    "romantic": "love, loving, in love, sensual, passionate, romantisch, romantico, romantica, romantique",
    "content": "satisfied, pleased, zufrieden, contento, satisfait",
    "tender": "gentle, delicate, intimate, sweet, soft hearted, zart, sanft, zartlich, tierno, tierna, tendre,"
    "doux, douce",
    "relaxed": "relaxing, chill, chilled, chillout, easy going, easygoing, mellow, soothing, entspannt, relajado,"
    "relajante, detendu",
    "peaceful": "serene, serenity, tranquil, peace, pastoral, friedlich, sereno, tranquilo, tranquila, paisible,serein",
    "calm": "quiet, calming, meditative, meditation, zen, ruhig, calmo, calmado, calme",
    "dreamy": "dreamlike, ethereal, floating, hazy, hypnotic, spacey, atmospheric, traumerisch, vertraumt, sonador,"
    "onirico, reveur, planant",
    "tired": "sleepy, weary, drowsy, lazy, mude, cansado, fatigue",
    "nostalgic": "nostalgia, retro feeling, memories, sentimental, nostalgisch, nostalgico, nostalgique",
    "bittersweet": "mixed feelings, bittersuss, agridulce, doux amer",
    "longing": "yearning, wistful, sehnsuchtig, anhelo, nostalgie",
    "solemn": "sacred, reverent, spiritual, feierlich, solemne, solennel",
    "melancholic": "melancholy, melancholia, pensive, moody, melancholisch, wehmutig, melancolico, melancolica,"
    "melancolique",
    "sad": "sorrowful, unhappy, mournful, tearful, sadness, grieving, heartbreaking, heartbroken, traurig, triste,"
    "tristes",
    "lonely": "alone, isolated, lonesome, desolate, einsam, solitario, seul",
    "depressed": "depressing, hopeless, despairing, bleak, hoffnungslos, deprimido, deprimant",
    "gloomy": "sombre, somber, dreary, grey, gray, duster, trub, sombrio, lugubre",
    "mysterious": "mystery, enigmatic, mystical, magical, secretive, geheimnisvoll, misterioso, mysterieux",
    "dark": "sinister, ominous, brooding, grim, noir, dunkel, finster, oscuro, oscura, sombre et noir",
    "eerie": "creepy, spooky, haunting, unsettling, ghostly, unheimlich, espeluznante, inquietant",
    "serious": "earnest, grave, ernst, serio, serieux, documentary",
    "dramatic": "drama, intense, theatrical, dramatisch, dramatico, dramatique, intensiv, intenso",
    "suspenseful": "suspense, thriller, gripping, spannend, suspenso, haletant",
    "restless": "nervous, hectic, agitated, busy, frantic, urgent, unruhig, hektisch, inquieto, agite",
    "tense": "tension, strained, angespannt, tenso, tensa, tendu",
    "anxious": "worried, fearful, anxiety, fear, uneasy, angstlich, ansioso, anxieux",
    "scary": "frightening, terrifying, horror, nightmarish, gruselig, aterrador, effrayant",
    "angry": "anger, furious, rage, raging, wutend, zornig, enojado, furioso, furieux, colere",
    "aggressive": "brutal, violent, fierce, hard hitting, aggressiv, agresivo, agressif",
    "wild": "crazy, chaotic, unrestrained, verruckt, salvaje, sauvage",
    "neutral": "unobtrusive, neutral mood, unauffallig",
}
MOOD_WORDS: Mapping[str, str] = {word: word for word in MOODS} | {
    phrase: word for word, said in _MOODS_SAID.items() for phrase in _phrases(said)
}
"""The mood of each word."""

_GENRES_SAID = {
    Genre.POP: "pop music, popmusik, indie pop, synthpop, synth pop, r&b, rnb, soul music, funk, motown, ballad,"
    "k-pop, reggae,"
    "latin, bossa nova",
    Genre.ROCK: "rock music, rock and roll, rock'n'roll, rock n roll, punk, punk rock, grunge, indie rock, blues,"
    "surf rock, garage rock, post rock",
    Genre.METAL: "heavy metal, heavy, thrash, hard rock, hardrock, hardcore, death metal, metalcore, djent",
    Genre.COUNTRY: "country music, folk, bluegrass, western, americana, singer songwriter, irish, celtic",
    Genre.ELECTRONIC: "electronica, electro, techno, synthwave, synth wave, ambient, idm, dubstep, drum and bass,"
    "drum'n'bass, dnb, downtempo, trip hop, lofi, lo-fi, lo fi, hip hop, hiphop, hip-hop, trap, chiptune, elektronisch,"
    "electronique, electronico, electronica musica, vaporwave",
    Genre.DANCE: "dance music, edm, house, deep house, tech house, trance, eurodance, disco, club, clubbing, rave",
}
_EXACT = frozenset(
    "pop music,popmusik,rock music,country music,electronica,electro,elektronisch,electronique,electronico,heavy metal,"
    "dance music".split(",")
)
"""What is only another name of a genre."""


class GenreWord(NamedTuple):
    """A word for a genre."""

    genre: Genre
    is_nearest: bool
    """Whether it means a style that the model does not know, of which this genre is the nearest."""


GENRE_WORDS: Mapping[str, GenreWord] = {genre.label: GenreWord(genre, False) for genre in Genre} | {
    phrase: GenreWord(genre, phrase not in _EXACT) for genre, said in _GENRES_SAID.items() for phrase in _phrases(said)
}

_SOUNDS_SAID: Mapping[tuple[str, int | None], str] = {
    ("drums", None): "drum, drumming, percussion, beats, drum kit, drumset, schlagzeug, bateria, batterie, tambores,"
    "trommeln, perkussion, percusion, percussions",
    ("drums", 8): "room kit",
    ("drums", 16): "power kit, rock drums, heavy drums, big drums, loud drums",
    ("drums", 24): "electronic kit, electronic drums, drum machine",
    ("drums", 25): "808, tr-808, tr-808 kit, 808 kit, 808 drums",
    ("drums", 32): "jazz kit, jazz drums",
    ("drums", 40): "brushes, brush kit, brushed drums, jazzbesen",
    ("piano", None): "pianos, keys, keyboard, klavier, piano music",
    ("piano", 0): "grand piano, acoustic piano, flugel, piano a queue",
    ("piano", 1): "bright piano",
    ("piano", 3): "honky-tonk, honky tonk, honky tonk piano",
    ("piano", 4): "electric piano, rhodes, e-piano, fender rhodes",
    ("piano", 6): "harpsichord, cembalo, clavecin",
    ("guitar", None): "guitars, gitarre, gitarren, guitarra, guitare",
    ("guitar", 24): "nylon guitar, classical guitar, spanish guitar, flamenco guitar",
    ("guitar", 25): "acoustic guitar, acoustic guitars, steel guitar, folk guitar, akustikgitarre, guitarra acustica,"
    "guitare acoustique",
    ("guitar", 26): "jazz guitar",
    (
        "guitar",
        27,
    ): "electric guitar, electric guitars, clean guitar, e-gitarre, guitarra electrica, guitare electrique",
    ("guitar", 28): "muted guitar, palm muted guitar",
    ("guitar", 29): "overdriven guitar, crunchy guitar, crunch guitar, crunchy guitars",
    ("guitar", 30): "distorted guitar, distorted guitars, distortion guitar, heavy guitar, heavy guitars,"
    "verzerrte gitarre, verzerrten gitarren, guitarra distorsionada, guitare saturee",
    ("bass", None): "bassline, bass line, bass guitar, bajo, basse, basslinie",
    ("bass", 32): "double bass, upright bass, acoustic bass, contrabass, kontrabass, contrabajo, contrebasse",
    ("bass", 33): "electric bass, fingered bass, e-bass",
    ("bass", 34): "picked bass",
    ("bass", 35): "fretless bass",
    ("bass", 36): "slap bass, slapped bass",
    ("bass", 38): "synth bass, sub bass",
    ("strings", None): "string section, orchestra, orchestral strings, streicher, cuerdas, cordes, orchester, orquesta",
    ("strings", 9): "glockenspiel, bells",
    ("strings", 10): "music box, spieluhr, caja de musica, boite a musique",
    ("strings", 11): "vibraphone, vibes, vibrafono",
    ("strings", 12): "marimba",
    ("strings", 16): "organ, hammond, hammond organ, orgel, organo, orgue",
    ("strings", 18): "rock organ",
    ("strings", 19): "church organ, pipe organ, kirchenorgel",
    ("strings", 21): "accordion, akkordeon, acordeon, accordeon",
    ("strings", 22): "harmonica, mundharmonika, armonica",
    ("strings", 40): "violin, violins, fiddle, geige, violine, violon, violines",
    ("strings", 41): "viola, bratsche",
    ("strings", 42): "cello, cellos, violoncello, violonchelo, violoncelle",
    ("strings", 45): "pizzicato, pizzicato strings, plucked strings",
    ("strings", 46): "harp, harfe, arpa, harpe",
    ("strings", 48): "string ensemble",
    ("strings", 49): "slow strings, soft strings, lush strings, warm strings",
    ("strings", 50): "synth strings",
    ("strings", 52): "choir, choirs, chor, coro, choeur, choral",
    ("strings", 56): "trumpet, trumpets, trompete, trompeta, trompette",
    ("strings", 57): "trombone, posaune",
    ("strings", 60): "french horn, horn, horns, corno",
    ("strings", 61): "brass, brass section, blaser, metales, cuivres, fanfare",
    ("strings", 62): "synth brass",
    ("strings", 66): "saxophone, sax, tenor sax, saxophon, saxofon",
    ("strings", 65): "alto sax",
    ("strings", 68): "oboe",
    ("strings", 71): "clarinet, klarinette, clarinete, clarinette",
    ("strings", 73): "flute, flutes, flote, querflote, flauta",
    ("strings", 75): "pan flute, panflote",
    ("strings", 78): "whistle, whistling, pfeifen",
    ("strings", 81): "synth lead, saw lead, lead synth, synthesizer, synth, synths, synthesiser, sintetizador, synthe",
    ("strings", 80): "square lead",
    ("strings", 89): "pad, pads, synth pad, warm pad, synth pads, flachen",
    ("strings", 104): "sitar",
    ("strings", 105): "banjo",
}


class Sound(NamedTuple):
    """A track, and the program that plays it."""

    instrument: Instrument
    program: int | None
    """The General MIDI program, of the drums the kit; None leaves it to the genre."""


SOUND_WORDS: Mapping[str, Sound] = {label: Sound(instrument, None) for label, instrument in INSTRUMENTS.items()} | {
    phrase: Sound(INSTRUMENTS[label], program)
    for (label, program), said in _SOUNDS_SAID.items()
    for phrase in _phrases(said)
}
ENSEMBLES: Mapping[str, tuple[Sound, ...]] = {
    "jazz": (Sound(Instrument.DRUMS, 32), Sound(Instrument.PIANO, 0), Sound(Instrument.BASS, 32)),
    "jazzy": (Sound(Instrument.DRUMS, 32), Sound(Instrument.PIANO, 0), Sound(Instrument.BASS, 32)),
    "jazz trio": (Sound(Instrument.DRUMS, 32), Sound(Instrument.PIANO, 0), Sound(Instrument.BASS, 32)),
    "classical": (Sound(Instrument.PIANO, 0), Sound(Instrument.STRINGS, 48)),
    "klassisch": (Sound(Instrument.PIANO, 0), Sound(Instrument.STRINGS, 48)),
    "orchestral": (Sound(Instrument.PIANO, 0), Sound(Instrument.STRINGS, 48)),
    "chamber music": (Sound(Instrument.PIANO, 0), Sound(Instrument.STRINGS, 48)),
    "acoustic": (Sound(Instrument.PIANO, 0), Sound(Instrument.GUITAR, 25), Sound(Instrument.BASS, 32)),
    "unplugged": (Sound(Instrument.PIANO, 0), Sound(Instrument.GUITAR, 25), Sound(Instrument.BASS, 32)),
    "akustisch": (Sound(Instrument.PIANO, 0), Sound(Instrument.GUITAR, 25), Sound(Instrument.BASS, 32)),
}
"""Styles that none of the six genres is near, by who plays them."""
ALONE = frozenset(
    _phrases(
        "only, solo, just, nothing but, alone, purely, a capella, nur, allein, solamente, seulement, unaccompanied"
    )
)
"""Said of instruments: nobody else plays."""

_TEMPI_SAID = {
    (40, 60): "very very slow, largo, extremely slow",
    (60, 84): "slow, slowly, adagio, downbeat tempo, langsam, lento, lenta, lent, lente, unhurried, leisurely",
    (76, 104): "andante, walking pace, walking tempo",
    (88, 112): "moderate tempo, medium tempo, mid tempo, mid-tempo, midtempo, moderato, moderate, mittleres tempo",
    (120, 150): "allegro, brisk, flott",
    (
        126,
        165,
    ): "fast, quick, rapid, rapidly, quickly, speedy, schnell, rapido, rapida, rapide, vite, uptempo, up tempo,"
    "up-tempo, fast paced, fast-paced, racing",
    (140, 176): "vivace",
    (166, 200): "presto, breakneck",
}
TEMPO_WORDS: Mapping[str, tuple[float, float]] = {
    phrase: tempi for tempi, said in _TEMPI_SAID.items() for phrase in _phrases(said)
}
"""The BPM that each word means, the lowest and the highest."""

_LEVELS_SAID = {
    0.1: "quiet, quietly, calm, calmly, small, tiny, ruhig, ruhiger, ruhiges, leise, leiser, tranquilo, calme,"
    "hushed, sparse, sparsely",
    0.2: "soft, softly, gentle, gently, slow, subdued, delicate, sanft, sanfter, sanftes, suave, doux, low,"
    "low key, light,"
    "lightly, restrained, peaceful, minimal, understated",
    0.5: "steady, medium, constant, even, normal, gleichmassig",
    0.7: "lively, busy, dense, energetic, dynamic, upbeat, lebhaft",
    0.9: "big, bigger, loud, louder, huge, grand, grosse, grosser, grosses, massive, epic, intense, powerful, strong,"
    "dramatic, bombastic, explosive, full, triumphant, laut, lauter, lautes, fuerte, grande, grand, gran, forte, fort,"
    "high energy, heavy",
}
LEVEL_WORDS: Mapping[str, float] = {phrase: level for level, said in _LEVELS_SAID.items() for phrase in _phrases(said)}
"""Said of a part of a piece, its energy."""
LOUDNESS_WORDS: Mapping[str, float] = {
    word: LEVEL_WORDS[word]
    for word in (
        "loud louder laut fuerte forte soft softly leise suave minimal sparse dense understated explosive"
    ).split()
}
"""Said of the whole piece, its mean liveliness: those words for a level that are no moods."""

BEGINNINGS = frozenset(
    _phrases("beginning, start, opening, intro, introduction, anfang, beginn, comienzo, inicio, debut")
)
ENDINGS = frozenset(_phrases("ending, end, finale, finish, close, outro, conclusion, ende, schluss, final, fin"))
BEGINS = frozenset(_phrases("begins, starts, begin, opens, start, beginnt, empieza, commence, starting, beginning"))
ENDS = frozenset(_phrases("ends, end, finishes, closes, endet, termina, finit, ending, finish"))
THROUGHOUT = frozenset(
    _phrases(
        "throughout, all the way, all the way through, the whole time, all the time, always, from start to end,"
        "from start to finish, from beginning to end, durchgehend, durchweg, siempre, toujours, all along"
    )
)


class Stretch(NamedTuple):
    """A part of a piece and its energy."""

    begin: float
    """Share of the piece, 0..1."""
    end: float
    first: float
    """Energy at its begin, 0..1."""
    last: float


_ARCS_SAID: Mapping[tuple[Stretch, ...], str] = {
    (Stretch(0, 1, 0.15, 0.9),): "builds up, build up, building up, builds, building tension, builds slowly, crescendo,"
    "slowly builds, slowly building, slow build, gradually builds, gets louder, gets bigger, gets more intense,"
    "gets livelier, grows, growing, rising, rises, increasing, intensifies, steigert sich, ansteigend, wird lauter,"
    "va creciendo, creciente, monte en puissance",
    (Stretch(0, 1, 0.85, 0.1),): "winds down, winding down, gets calmer, calms down, gets quieter, gets softer,"
    "decrescendo, diminuendo, fades away, wird ruhiger, wird leiser, abnehmend, falling, decreasing, dies away,"
    "se calma, se calme",
    (
        Stretch(0, 0.5, 0.15, 0.9),
        Stretch(0.5, 1, 0.9, 0.15),
    ): "rises and falls, arch, swells, swell, peak in the middle,"
    "climax in the middle, builds and falls, builds up and calms down, hohepunkt in der mitte",
    (Stretch(0.75, 1, 0.9, 0.9),): "climax at the end, with a bang, goes out with a bang, hohepunkt am ende",
    (Stretch(0, 1, 0.5, 0.5),): "constant energy, steady energy, no ups and downs, even energy, flat energy",
}
ARC_WORDS: Mapping[str, tuple[Stretch, ...]] = {
    phrase: arc for arc, said in _ARCS_SAID.items() for phrase in _phrases(said)
}

_ENDINGS_SAID = {
    "stop": "abrupt ending, sudden ending, sudden stop, stops suddenly, hard stop, hard ending, ends abruptly,"
    "ends suddenly, plotzliches ende, final abrupto, fin abrupte",
    "full": "full ending, ringing ending, full stop ending",
    "thin": "fade out, fades out, fading out, fadeout, fade-out, thins out, ausblenden, desvanece",
}
ENDING_WORDS: Mapping[str, str] = {
    phrase: ending for ending, said in _ENDINGS_SAID.items() for phrase in _phrases(said)
}
"""How the last bar ends, by the names of `cmt.writing.closing`."""

VOICES = frozenset(_phrases("vocals, vocal, voice, voices, singing, singer, lyrics, gesang, stimme, voz, voix, rap"))
"""What there never is."""
HIT_WORDS = frozenset(
    _phrases(
        "hit, hits, accent, accents, strike, bang, impact, sting, stinger, schlag, akzent, golpe, acento, accents on"
    )
)
"""Said of a time that the music shall meet."""
SILENCE = frozenset(_phrases("silence, silent, no music, stille, silencio"))
"""Said of a time in which nobody plays."""

MODE_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("major", "maj", "dur", "mayor", "majeur", "major key", "durtonart"), "major"),
    **dict.fromkeys(("minor", "min", "moll", "menor", "mineur", "minor key", "molltonart"), "minor"),
}
NEGATIONS = frozenset(
    _phrases(
        "no, not, without, never, nothing, none, avoid, isn't, isnt, don't, dont, doesn't, shouldn't, must not,"
        "should not,"
        "do not, does not, is not, no more, free of, instead of, skip, leave out, leaving out, except,"
        "anything but, nor,"
        "kein, keine, keinen, keiner, ohne, nicht, nie, niemals, sin, nunca, sans, pas, jamais, pas de, ningun, ninguna"
    )
)
OPTIONAL = frozenset(
    _phrases("too, any, a, an, the, zu, demasiado, trop, de, of, that, at all, all, really, so, very, be")
)
"""What may stand between a negation and what it negates."""
DEGREE_WORDS = DEGREES
FILLERS = frozenset(
    _phrases(
        """a, an, the, and, or, but, with, for, of, in, on, at, to, by, as, is, are, be, it, its, it's, this,
        that, these,
        those, my, our, your, i, we, you, me, us, want, need, would, like, please, make, give, some,
        something, music, song,
        songs, track, tracks, piece, tune, soundtrack, score, background, video, clip, film, movie, scene, mood, feel,
        feeling, feels, vibe, vibes, style, genre, sound, sounds, sounding, tempo, speed, key, bpm, tone,
        atmosphere, should,
        could, can, will, have, has, having, get, gets, let, lets, then, also, too, there, here, just, only,
        while, into, out,
        up, down, from, until, till, after, before, through, over, under, about, around, very, really, quite,
        rather, pretty,
        so, more, most, less, bit, little, lot, lots, much, many, kind, sort, maybe, perhaps, any, all, one,
        two, three, not,
        no, nor, never, nothing, without, than, if, when, where, which, who, how, what, was, were, been,
        being, do, does, did,
        am, they, them, their, he, she, his, her, mine, play, plays, playing, played, plus, featuring, feat,
        instrumental,
        instruments, instrument, band, part, parts, section, sections, whole, throughout, always, still,
        again, though, yet,
        und, oder, aber, mit, fur, von, im, am, auf, zu, bei, als, ist, sind, ein, eine, einen, einem, einer,
        der, die, das,
        den, dem, des, musik, stuck, lied, hintergrund, stimmung, bitte, soll, sein, sehr, etwas, nicht, kein,
        keine, ohne,
        y, o, con, para, de, del, la, el, los, las, un, una, unos, musica, cancion, fondo, muy, sin, pero, es, en,
        et, ou, avec, pour, du, le, les, une, des, musique, chanson, fond, tres, sans, mais, est, dans, au, aux, pas,
        i'd, id, i'm, let's, lets, starts, begins, ends, beginning, start, ending, end, beat, rhythm, pace,
        paced, melody,
        bars, bar, seconds, second, minutes, minute, sec, s, note, notes, chord, chords, thing, things, time, times"""
    )
)
"""Words that carry no meaning of their own here; all others that are passed over are told."""
N_PHRASES = sum(
    len(table)
    for table in (
        MOOD_WORDS,
        GENRE_WORDS,
        SOUND_WORDS,
        ENSEMBLES,
        TEMPO_WORDS,
        LEVEL_WORDS,
        ARC_WORDS,
        ENDING_WORDS,
        MODE_WORDS,
        DEGREES,
        NEGATIONS,
        BEGINNINGS,
        ENDINGS,
        BEGINS,
        ENDS,
        THROUGHOUT,
        ALONE,
    )
)
"""How many words and phrases are known."""
