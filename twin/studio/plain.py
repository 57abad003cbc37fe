"""Why a process ended, in words for whoever looks: the process says it in English; what is said often is known here in Chinese too."""
from __future__ import annotations

import re

Said = dict[str, str]                                    # a sentence by language
CHINESE: tuple[tuple[str, str], ...] = (
    (r"has (?P<n>\d+) faces to learn from", "数据集只有 {n} 张可用于学习的脸，不够一批。请做一个更大的数据集。"),
    (r"disk is full|no more room on the disk|No space left", "磁盘满了。已保存的都还在：腾出空间后可以接着来。"),
    (r"step (?P<n>\d+) could not be kept|can't be written", "无法写入磁盘。已保存的都还在：检查空间和权限后可以接着来。"),
    (r"loss was no number", "损失变成了无效数字，训练已停下。可以从最后一个好的检查点接着训练，或换个设置重新开始。"),
    (r"There are no pictures in", "这个文件夹里没有图片。"),
    (r"There is no folder|is a file, not a folder", "没有这个文件夹。"),
    (r"No face could be used", "没有一张脸可用。"),
    (r"can't be opened|can't be read", "无法读取。请检查文件夹的权限。"),
    (r"has the part|too few faces|is in the part", "数据集太小：至少要有 200 张脸。"),
    (r"px can't be made of them|has \d+ px", "训练的尺寸大于数据集里图片的尺寸，请选小一点的。"),
    (r"holds (?P<n>\d+) pictures back", "数据集只留出了 {n} 张图片，太少，无法评估；至少要 32 张，几百张才好。"),
    (r"There is no data set|has no faces", "数据集不在了，或者是空的。"),
    (r"is damaged", "文件已损坏。请重新制作。"),
    (r"latents|autoencoder", "所选的自编码器不合适，请换一个。"),
    (r"MemoryError|OutOfMemory|out of memory|Cannot allocate", "内存不够。请选小一点的模型或图片尺寸。"),
    (r"was killed, at", "处理图片的进程被结束了，可能是内存不足。再开始会接着来。"),
)
NOTHING: Said = {"en": "It ended without a word: the machine may have been switched off, or was short of memory. What was kept last is whole.",
                 "zh": "它没有留下任何说明就结束了：可能是关机或内存不足。最后一次保存的内容是完整的。"}
_BROKE = re.compile(r"[\w.]*(Error|Exception|Interrupt)\b.*")
_MEMORY = re.compile(r"MemoryError|OutOfMemory|out of memory|Cannot allocate", re.IGNORECASE)


def plain(words: str) -> Said:
    """A process's last words in both languages."""
    if not words:
        return NOTHING
    if _MEMORY.search(words):
        english = "There was not enough memory. Choose a smaller size or smaller pictures; what was kept last is whole."
    elif _BROKE.fullmatch(words):
        english = f"It broke off over something nobody foresaw ({words[:200]}). What was kept last is whole; the log below says where."
    else:
        english = words
    for pattern, chinese in CHINESE:
        if found := re.search(pattern, words, re.IGNORECASE):
            return {"en": english, "zh": chinese.format(**found.groupdict())}
    return {"en": english, "zh": f"没有完成。（{english}）"}
