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
SPEAKS = 0.8             # s of work for a second of sound beyond which a voice may fall behind
WORK = 90e9              # operations a second of one core in fp32, as measured on recognisers
MB = 1e6


@dataclass(frozen=True)
class Model:
    """One row. `id` is its name on the hub, with the file behind it where one file is the model ("owner/name/file.gguf")."""
    task: str                                            # listen, think or speak
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
    steps: float = 0.0                                   # of a voice: reads of all its weights that a second of sound is worth, as measured on one core
    files: tuple[str, ...] = ()                          # where its makers publish no safetensors: what is fetched; twin/speak/neural.py knows those pickles
    codec: str = ""                                      # a second model of the hub that it does not work without
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
        package = {"llamacpp": "llama_cpp", "xtts": "TTS", "vits": "TTS", "converted": "TTS"}.get(self.backend)
        return package is None or importlib.util.find_spec(package) is not None


SIX = ("en", "fr", "es", "de", "it", "pt")
XTTS = ("en", "zh", "es", "fr", "de", "it", "pt", "pl", "tr", "ru", "nl", "cs", "ar", "hu", "ko", "ja", "hi")
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
    Model("speak", "myshell-ai/OpenVoiceV2", "OpenVoice v2", "converted", 33, 131, "MIT", steps=90, files=("converter/config.json", "converter/checkpoint.pth"),
          en="The embedded voice in their timbre, in any language, on a CPU.", zh="把内置声音变成本人的音色，任何语言，CPU 即可。"),
    Model("speak", "eustlb/pocket-tts", "Pocket TTS", "transformers", 110, 236, "CC BY 4.0", ("en",), steps=25, codec="eustlb/pocket-tts-audio-tokenizer",
          en="Their voice in English from ten seconds, on a CPU.", zh="十秒录音克隆英文声音，CPU 即可。"),
    Model("speak", "tts-hub/XTTS-v2", "XTTS v2", "xtts", 467, 1870, "Coqui Public Model License", XTTS, commercial=False, steps=30,
          files=("config.json", "vocab.json", "model.pth"),
          en="Their voice in 17 languages, English and Chinese among them; wants a GPU; for private use alone.",
          zh="17 种语言（含中英文）的本人声音，最好有显卡，仅限非商用。"),
    Model("speak", "vibevoice/VibeVoice-1.5B-hf", "VibeVoice 1.5B", "transformers", 2704, 5410, "MIT", ("en", "zh"), steps=15,
          en="Their voice in English and Chinese, lively; for a GPU of 8 GB or more.", zh="生动的中英文本人声音，需要 8 GB 以上的显卡。"),
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
    speed = guess(row, cores)
    return "fits" if (speed >= TALKS if row.task == "think" else speed <= (SPEAKS if row.task == "speak" else HEARS)) else "slow"


def guess(row: Model, cores: int = 2) -> float:
    """Before it was tried on a CPU: tokens a second of a thinker, seconds of work for a second of speech of a listener or a voice."""
    if row.task == "think":
        return READS / row.needs
    if row.task == "speak":
        return row.steps * row.needs / READS
    window = 1500 if "whisper" in row.id else 250        # frames: Whisper always hears thirty seconds, here of an utterance of five
    return 2 * row.weights * MB * window / (WORK * max(1, cores)) / 5


def shown(size: float) -> str:
    """Bytes, for people."""
    return f"{size / GIB:.1f} GiB"
