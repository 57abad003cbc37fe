"""WHO a twin is: its card, its lines, its rules, its prompt and the check of what a model says in its name.

Standard library, numpy and PyYAML only: no torch, no Gradio, nothing of `twin`. An embedder is handed in.
"""
