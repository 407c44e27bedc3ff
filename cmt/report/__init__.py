"""The report that lies beside the music as a type: written by the soundtrack, read by the evaluation and the terminal.

It stands on a low floor because both who writes it and who reads it must see it: the evaluation must not know the
room that makes soundtracks. It decides nothing; it says what was decided, asked and obtained.
"""
