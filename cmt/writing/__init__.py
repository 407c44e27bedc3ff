"""From orders to a piece: the grammar that keeps every order, the draw of each word, many pieces at once."""
