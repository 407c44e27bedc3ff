"""What is the most that a video may ask for, and why: a header claims what it likes, and a file is read by strangers.

Nothing is allocated for a claim beyond these limits; what is beyond them is refused or said in a warning.
"""

from __future__ import annotations

MOST_PIXELS = 8192 * 5120
"""A picture has at most this many pixels. 8K (7,680 x 4,320) and DCI 8K (8,192 x 4,320) fit; a decoder takes 3 to 4
bytes for each pixel of every picture that it holds, and it holds several."""
LONGEST_VIDEO = 24 * 3600.0
"""A video lasts at most this many seconds: music is written for all of it, and no film is longer."""
LONGEST_STILL = 3600.0
"""A picture is shown for at most this many seconds, such as a slide. A larger step of the time stamps is a fault of the
file, and the next picture follows straight on."""
LONGEST_GAP = 10.0
"""The same for formats of broadcasts, whose clocks start anew wherever they like (MPEG-TS, MPEG-PS and their kin):
what is longer than this many seconds is another clock and no gap in the reception. FFmpeg takes as many."""
MOST_REORDERING = 10.0
"""A picture is shown at most this many seconds after or before it is decoded; its time of showing is wrong else."""
LARGEST_PROBE = 16 * 2**20
"""At most so many bytes of a stream are read ahead in order to learn how its time stamps are meant."""
N_PROBED = 300
"""At most so many packets of a stream are read ahead for that."""
READ_ERRORS_IN_A_ROW = 50
"""The rest of a file is gone after this many failed reads without a packet in between."""
