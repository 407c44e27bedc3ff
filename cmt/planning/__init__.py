"""From a picture and a user's wishes to what is ordered of a piece, bar by bar."""
