"""How much an input file may hold: beyond these limits a file is broken, or meant to be.

Each limit is far above what such a file has, and low enough that no file takes more than some hundred megabytes or a
minute.
"""

MOST_MIDI_BYTES = 2**24
"""The largest MIDI file that is read, 16 MiB: ten hours of a full orchestra have 3."""
MOST_EVENTS = 2_000_000
"""The most events of a MIDI file: they take 0.5 GB. The densest songs have 100,000."""
MOST_TEXT_BYTES = 2**22
"""The largest text file of columns that is read, 4 MiB: some 200,000 lines, far more than a film has pictures."""
MOST_HOURS = 4
"""The longest music that is read or played, as long as the longest that is written (`cmt.config.LENGTH_LIMITS`)."""
MOST_BEATS = 2**19
"""The most quarter notes of a MIDI file: four hours at 2,184 BPM, and what a file of ours can hold."""
FASTEST_BEAT = 10_000
"""The fewest microseconds of a quarter note, 6,000 BPM: a tempo that says less is broken, all notes would be one."""
MOST_SILENT_MINUTES = 10
"""The longest wait from one note to the next: what is silent for longer has a broken wait in it, not a rest."""
MOST_PLAYED_CHANNELS = 64
"""A file is played on so many channels, those of four ports; events of further ports join the last one's."""
MOST_REPORT_BYTES = 45_000_000
"""The largest report: one of four hours has less than 40 MB, and lists that are empty take 20 times their text."""
MOST_OPTIONS_BYTES = 50_000
"""The largest description or file of options: both are a page."""
MOST_INDEX_BYTES = 2**16
"""The largest index.json: it has two words."""
MOST_LIST_BYTES = 2**28
"""The largest list of the songs of a corpus or a pack, 256 MiB: a million songs."""
MOST_PACK_BYTES = 2**29
"""What a pack may unpack to, 512 MiB: LPD's 11,000 labelled songs have 140."""
MOST_XZ_MEMORY = 2**28
"""The memory that unpacking may take, 256 MiB: the strongest preset takes 65."""
MOST_SHARD_BYTES = 2**28
"""The largest shard of a corpus that is being made, 256 MiB: 32 songs have less than one."""
MOST_HEADER_BYTES = 2**24
"""The largest header of a checkpoint, 16 MiB: ours have 0.1, with the losses of a long training 1."""
MOST_CHECKPOINT_BYTES = 2**30
"""The largest checkpoint, 1 GiB: that of the largest preset's training, with its optimizer, has 0.6."""
MOST_LINE_BYTES = 2**25
"""The longest line of a journal, 32 MiB: what four hours of video ask for has 2."""
