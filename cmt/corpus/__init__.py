"""Songs to learn from: read, checked, cleaned of doubles, labelled, and kept in folders and packs."""
