"""Audio to text: one file per recogniser, and the detector that finds utterances in a microphone's stream."""
