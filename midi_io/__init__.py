"""Songs on the sixteenth grid, read from and written to MIDI, pianorolls, audio and video."""
