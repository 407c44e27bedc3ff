"""Background music for a video, controlled by the picture's rhythm."""
