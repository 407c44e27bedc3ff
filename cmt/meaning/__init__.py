"""What is meant: moods, words of a user and scenes of a picture become a description that can be read and changed, and
the description becomes wishes."""
