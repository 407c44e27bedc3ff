"""The network that writes music, word by word, without torch: its weights, its layers, its checkpoint."""
