"""What editors are given besides the music: markers for their timelines, and a statement of where the music comes from.

A report says when something happens; here that becomes frames and timecode, and the files that CSV readers, DaVinci
Resolve, Final Cut Pro and OpenTimelineIO take.
"""
