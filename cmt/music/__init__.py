"""What music is made of here: the words of the representation, songs as words, keys, the rhythm of a song."""
