"""A video's rhythm: motion speed, motion saliency, visual beats, cuts, tempo."""
