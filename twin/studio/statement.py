"""What people agree to whose pictures a network learns from. Asked for by twin/train/data.py, and by the page."""
from __future__ import annotations

STATEMENT = ("The people in these pictures are me, or they have allowed me to do this. They agree that a network learns from these pictures how faces look, "
             "and that it makes pictures of faces that are nobody's. What it makes is always marked as made by an AI. I will not use it to deceive anyone, nor "
             "to show any of them. They can take this back at any time: then their pictures are deleted, with this data set and what was made from it.")
CHINESE = ("图片里的人是我本人，或者已经允许我这样做。他们同意让神经网络从这些图片学习人脸的样子，并生成不属于任何人的脸。"
           "生成的内容始终标明由 AI 制作。我不会用它欺骗任何人，"
           "也不会用它展示其中任何一个人。他们可以随时收回同意：届时他们的图片、这个数据集以及由它做出的一切都会被删除。")
STATEMENTS = {"en": STATEMENT, "zh": CHINESE}
