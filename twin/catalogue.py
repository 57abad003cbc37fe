"""CATALOGUE: models that could be had, one row each, and only such as a backend of ours loads today; what this machine can carry of them.

Sizes are those of the hub's files (safetensors or GGUF) and of the weights in memory. The app never fetches one unasked: see fetch.py.
"""
from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Literal

from .devices import GIB, ROOM, Hardware

Verdict = Literal["fits", "slow", "large"]
READS = 16e9             # bytes a second that a CPU reads of a model's weights while it thinks: half of what two channels of DDR4 give, as measured
TALKS = 6.0              # tokens a second below which a reply falls behind the voice
HEARS = 0.5              # s of work for a second of speech beyond which hearing is felt as waiting
WORK = 90e9              # operations a second of one core in fp32, as measured on recognisers
MB = 1e6


@dataclass(frozen=True)
class Model:
    """One row. `id` is its name on the hub, with the file behind it where one file is the model ("owner/name/file.gguf")."""
    task: str                                            # listen or think
    id: str
    name: str                                            # as its makers write it
    backend: str                                         # the row of BACKENDS that loads it
    weights: float                                       # millions of parameters
    size: float                                          # MB to fetch
    licence: str
    languages: tuple[str, ...] = ()                      # () = a hundred or so, English and Chinese among them
    capable: bool = False                                # speaks in its own words in English and Chinese
    commercial: bool = True                              # False: the licence forbids it
    terms: bool = False                                  # the hub asks to agree to its terms first
    en: str = ""
    zh: str = ""

    @property
    def repo(self) -> str:
        return "/".join(self.id.split("/")[:2])

    @property
    def file(self) -> str:
        """The one file that is the model; "" for a folder of safetensors."""
        return "/".join(self.id.split("/")[2:])

    @property
    def folder(self) -> str:
        """What its folder is called here."""
        return self.repo.replace("/", "--")

    @property
    def needs(self) -> int:
        """Bytes of memory on a CPU: safetensors are computed in fp32, a GGUF as it is."""
        return int(self.size * MB) if self.file else int(self.weights * MB * 4)

    @property
    def loads(self) -> bool:
        """Whether the package that loads it is installed."""
        return not self.file or importlib.util.find_spec("llama_cpp") is not None


SIX = ("en", "fr", "es", "de", "it", "pt")
CATALOGUE = (
    Model("think", "Qwen/Qwen3-0.6B", "Qwen3 0.6B", "transformers", 596, 1504, "Apache-2.0", capable=True,
          en="Words of its own in English and Chinese, the lightest that has them.", zh="中英文都能自己组织语言，同类中最轻。"),
    Model("think", "Qwen/Qwen3-1.7B", "Qwen3 1.7B", "transformers", 1721, 4064, "Apache-2.0", capable=True,
          en="Better at following a character; wants a GPU.", zh="更能保持人物性格，最好有 GPU。"),
    Model("think", "Qwen/Qwen3-4B-Instruct-2507", "Qwen3 4B Instruct", "transformers", 4022, 8045, "Apache-2.0", capable=True,
          en="Rich talk in many languages; for a GPU of 12 GB or more.", zh="多语言，谈吐丰富，需要 12 GB 以上的显卡。"),
    Model("think", "HuggingFaceTB/SmolLM2-360M-Instruct", "SmolLM2 360M", "transformers", 362, 724, "Apache-2.0", ("en",),
          en="The larger sister of the embedded mind.", zh="内置模型的大一号版本，只会英文。"),
    Model("think", "HuggingFaceTB/SmolLM2-1.7B-Instruct", "SmolLM2 1.7B", "transformers", 1711, 3423, "Apache-2.0", ("en",),
          en="Fluent English; wants a GPU.", zh="英文流利，最好有 GPU。"),
    Model("think", "HuggingFaceTB/SmolLM3-3B", "SmolLM3 3B", "transformers", 3075, 6150, "Apache-2.0", SIX,
          en="Six European languages; for a GPU of 8 GB or more.", zh="六种欧洲语言，需要 8 GB 以上的显卡。"),
    Model("think", "google/gemma-3-1b-it", "Gemma 3 1B", "transformers", 1000, 2000, "Gemma terms", ("en",), terms=True,
          en="Google's small model; its terms are agreed to on the hub.", zh="谷歌的小模型，需先在网站上同意条款。"),
    Model("think", "Qwen/Qwen2.5-3B-Instruct", "Qwen2.5 3B", "transformers", 3086, 6172, "Qwen Research", capable=True, commercial=False,
          en="Good Chinese; for research and private use alone.", zh="中文好，仅限研究和个人使用。"),
    Model("think", "Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf", "Qwen3 0.6B, 8 bit", "llamacpp", 596, 639, "Apache-2.0", capable=True,
          en="By llama.cpp: twice as quick on a CPU.", zh="由 llama.cpp 运行，在 CPU 上快一倍。"),
    Model("think", "Qwen/Qwen3-1.7B-GGUF/Qwen3-1.7B-Q8_0.gguf", "Qwen3 1.7B, 8 bit", "llamacpp", 1721, 1834, "Apache-2.0", capable=True,
          en="By llama.cpp; for a good CPU.", zh="由 llama.cpp 运行，适合较好的 CPU。"),
    Model("think", "Qwen/Qwen3-4B-GGUF/Qwen3-4B-Q4_K_M.gguf", "Qwen3 4B, 4 bit", "llamacpp", 4022, 2497, "Apache-2.0", capable=True,
          en="By llama.cpp; for a very good CPU.", zh="由 llama.cpp 运行，适合很好的 CPU。"),
    Model("listen", "openai/whisper-tiny", "Whisper tiny", "transformers", 38, 151, "Apache-2.0",
          en="Hears some hundred languages, roughly.", zh="能听约一百种语言，准确度一般。"),
    Model("listen", "openai/whisper-base", "Whisper base", "transformers", 73, 290, "Apache-2.0",
          en="Hears some hundred languages, Chinese too.", zh="能听约一百种语言，包括中文。"),
    Model("listen", "openai/whisper-small", "Whisper small", "transformers", 242, 967, "Apache-2.0",
          en="Hears names and accents well.", zh="名字和口音也听得清。"),
    Model("listen", "UsefulSensors/moonshine-tiny", "Moonshine tiny", "transformers", 27, 108, "MIT", ("en",),
          en="English, at once.", zh="只听英文，非常快。"),
    Model("listen", "UsefulSensors/moonshine-base", "Moonshine base", "transformers", 61, 247, "MIT", ("en",),
          en="English, well and fast.", zh="只听英文，又快又准。"),
)


def model(name: str) -> Model | None:
    """The row of that id."""
    return next((row for row in CATALOGUE if row.id == name), None)


def carries(row: Model, machine: Hardware, gpu: int = 0, cores: int = 2) -> Verdict:
    """Whether this machine can carry it. `gpu`: bytes free there, 0 = none; a GPU takes safetensors in 16 bits."""
    half = row.needs // 2
    if gpu and not row.file and half <= ROOM * gpu:
        return "fits"
    if min(row.needs, half if not row.file else row.needs) > ROOM * machine.free:
        return "large"
    if row.needs > ROOM * machine.free:
        return "slow"                                    # in 16 bits, which few CPUs compute well
    return "fits" if (row.task == "think" and guess(row, cores) >= TALKS) or (row.task == "listen" and guess(row, cores) <= HEARS) else "slow"


def guess(row: Model, cores: int = 2) -> float:
    """Before it was tried on a CPU: tokens a second of a thinker, seconds of work for a second of speech of a listener."""
    if row.task == "think":
        return READS / row.needs
    window = 1500 if "whisper" in row.id else 250        # frames: Whisper always hears thirty seconds, here of an utterance of five
    return 2 * row.weights * MB * window / (WORK * max(1, cores)) / 5


def shown(size: float) -> str:
    """Bytes, for people."""
    return f"{size / GIB:.1f} GiB"
