"""The film: the picture of a video and its sound, read, and written anew with music."""
