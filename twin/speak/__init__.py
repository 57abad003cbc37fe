"""Speak: text and a voice -> pieces of sound with the times of their phonemes. One file per backend."""
