"""What is meant: moods, words and scenes become a description that a person can read and change, and that wishes."""
