"""A page in the browser over the main job: films are put up, looked at, given music, and corrected.

`cmt.app.web` answers the browser; what it needs of a job stands here, and runs in a process of its own.
"""
