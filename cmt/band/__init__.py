"""Who plays a song and how: the sounds of each genre, their levels, and the time that players give to the notes."""
