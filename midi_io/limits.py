"""How much music a file may hold: beyond these limits a file is broken, or meant to be.

Each limit is far above what music has, and low enough that no file takes more than some hundred megabytes or a minute.
"""

MOST_MIDI_BYTES = 2**24
"""The largest MIDI file that is read, 16 MiB: ten hours of a full orchestra have 3."""
MOST_EVENTS = 2_000_000
"""The most events of a MIDI file: they take 0.5 GB. The densest songs have 100,000."""
MOST_TEXT_BYTES = 2**22
"""The largest text file of columns that is read, 4 MiB: some 200,000 lines, far more than a film has pictures."""
MOST_HOURS = 4
"""The longest music that is read or played, as long as the longest that is written (`cmt.config.LENGTH_LIMITS`)."""
MOST_SILENT_MINUTES = 10
"""The longest wait from one note to the next: what is silent for longer has a broken wait in it, not a rest."""
MOST_PLAYED_CHANNELS = 64
"""A file is played on so many channels, those of four ports; events of further ports join the last one's."""
