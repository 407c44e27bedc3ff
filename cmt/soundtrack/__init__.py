"""The main job: from a video to its music's files, and what is said of them."""
