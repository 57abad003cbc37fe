"""A twin on its way to others: as one HTML file (alone.py), as a Space (space.py), published (hub.py). It serves nothing and asks nobody's name:
who may share what is the consent's word (twin/trust), and how a twin is kept is the shelf's."""
