"""From a photo, a voice and a few lines to a twin on disk.

draft.py keeps what a person has given so far, until it is built or thrown away; training.py learns their voice meanwhile, in a process of its
own; build.py makes the twin and says how far it is: one source of progress for the page, the terminal and the log. parts.py reaches the rooms
that do the work (paint, speak, persona), each only when it is needed.
"""
from .build import Progress, build, edited
from .draft import Draft, Drafts
from .measure import measure
from .training import Training

__all__ = ["Draft", "Drafts", "Progress", "Training", "build", "edited", "measure"]
