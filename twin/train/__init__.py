"""Recipes, each a process of its own: `python -m twin.train.NAME`. Nothing imports them but tests and benches."""
