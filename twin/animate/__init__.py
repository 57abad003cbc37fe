"""Animate: speech and a mood -> a track of ARKit blendshapes, head and gaze. One file per backend."""
