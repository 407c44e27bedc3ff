"""The page beside the music: one HTML file to look at a piece, hear its takes, and say what shall change."""
