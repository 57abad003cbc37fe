"""Any chat model of transformers, from a folder or the hub, placed by twin/devices.py: Qwen3, SmolLM3, Gemma, Llama ..."""
from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from twin import devices
from twin.errors import Missing, Refused
from twin.think.adapter import Adapter, base_of
from twin.think.cache import PrefixCache, State, shared
from twin.think.chat import disarm
from twin.think.reply import OPEN, Reply
from twin.think.sample import Sampler
from twin.types import Message

STEP = 64                                                # tokens of a prompt computed between two yields
WORN = 8                                                 # adapters kept ready on the model's device


class LocalThinker:
    """`model` is a folder or an id of the hub, with safetensors and a chat template.

    Errors: Missing when it cannot be found or read or has no chat template; Refused when it does not fit into memory.
    """

    def __init__(self, model: str | Path, *, cache: PrefixCache | None = None, top_p: float = 0.95, top_k: int = 40,
                 repetition: float = 1.1, stop: Sequence[str] = ()):
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.torch, self.name = torch, str(model)
        here = Path(model).expanduser()
        source = str(here) if here.is_dir() else str(model)
        options = {"local_files_only": here.is_dir() or not devices.reachable()}
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(source, **options)
            self.place, = devices.plan({"think": size(source, options)})
            where = {"device_map": "auto" if self.place.device == "auto" else {"": self.place.device}}
            self.model = AutoModelForCausalLM.from_pretrained(
                source, dtype=getattr(torch, self.place.dtype), attn_implementation="sdpa", use_safetensors=True, **where, **options).eval()
        except (OSError, ValueError, KeyError) as error:
            raise Missing(f"The model {self.name} could not be loaded: {str(error).splitlines()[0]}",
                          "Name a folder with config.json and *.safetensors, or a model that is on this machine or reachable; or think = smollm2."
                          ) from error
        except torch.OutOfMemoryError as error:
            raise Refused(f"The model {self.name} does not fit into the memory of {self.place.device}.", "Choose a smaller one.") from error
        if not self.tokenizer.chat_template:
            raise Missing(f"The model {self.name} has no chat template.", "Choose an instruction-tuned (chat) model.")
        self.cache = shared() if cache is None else cache
        self.owner = (source, str(self.model.device), str(self.model.dtype))               # the same weights know the same prefixes
        self.top_p, self.top_k, self.repetition = top_p, top_k, repetition
        self.stop = tuple(stop)
        self.positions = getattr(self.model.config.get_text_config(), "max_position_embeddings", 1 << 20)
        self.last_only = {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(self.model.forward).parameters else {}
        self.ends = ends(self.model.generation_config.eos_token_id, self.tokenizer.eos_token_id)
        self.marks = list({*self.tokenizer.all_special_tokens, *(token.content for token in self.tokenizer.added_tokens_decoder.values() if token.special)})
        self.base = base_of(source, self.model)
        self.worn: dict[str, tuple[Any, Any]] = {}       # module -> (A, B): of the reply that is being computed
        self.wardrobe: OrderedDict[str, dict[str, tuple[Any, Any]]] = OrderedDict()
        self.hooked: set[str] = set()
        # PyTorch's threads wait for each other by spinning: where a neighbour holds one of two cores, two threads are slower than
        # one. Half of the cores is left to the voice, the page and the rest.
        self.threads = max(1, devices.cores() // 2)

    def think(self, messages: list[Message], *, max_tokens: int = 120, temperature: float = 0.6,
              seed: int | None = None, adapter: Adapter | None = None) -> Iterator[str]:
        """The reply, bit by bit; "" after every 64 tokens of the prompt. Closing the generator stops it between two tokens.
        `adapter` is worn for this reply alone, if it is one of this model.

        Errors: Refused when the conversation is longer than the model can hold.
        """
        prompt = self.prompt(messages)
        ids = self.tokenizer(prompt, add_special_tokens=False).input_ids
        if len(ids) + max_tokens > self.positions:
            raise Refused(f"The conversation has grown to {len(ids)} tokens; {self.name} holds {self.positions}.", "Begin a new conversation.")
        self.torch.set_num_threads(self.threads)         # of the calling thread, which is the model's worker
        worn = self.wearing(adapter) if adapter is not None and adapter.base == self.base else {}
        owner = (self.owner, adapter.id) if worn and adapter is not None else self.owner
        run = Run(self, ids, self.cache.find(owner, ids[:-1]), owner, worn)
        try:
            for at in range(len(run.ids), len(ids), STEP):
                logits = run.step(ids[at:at + STEP])
                yield ""
            run.keep()
            sampler = Sampler(temperature, seed, top_p=self.top_p, top_k=self.top_k, repetition=self.repetition)
            reply = Reply(self.decode, self.stop, thoughts=True)
            reply.inside = prompt.rstrip().endswith(OPEN)
            for _ in range(max_tokens):
                token = sampler.choose(logits)
                if token in self.ends:
                    break
                if bit := reply.add(token):
                    yield bit
                if reply.stopped:
                    break
                logits = run.step([token])
            if bit := reply.end():
                yield bit
        finally:
            run.keep()

    def wearing(self, adapter: Adapter) -> dict[str, tuple[Any, Any]]:
        """Its matrices on the model's device. The modules they belong to add them to what they give whenever a reply wears some: the weights stay as they
        are, so replies with and without take turns on one model."""
        if adapter.id not in self.wardrobe:
            modules = dict(self.model.named_modules())
            held = {}
            for name, pair in adapter.pairs.items():
                module = modules.get(name)
                if module is None or tuple(module.weight.shape) != (len(pair[1]), pair[0].shape[1]):
                    raise Refused("What was learned from their words does not fit this model.", "Train it again with the model that is in use.",
                                  zh=("学到的内容和现在的模型对不上。", "请用现在的模型重新训练。"))
                a, b = (self.torch.from_numpy(part).to(module.weight.device, module.weight.dtype) for part in pair)
                held[name] = a, b
                if name not in self.hooked:
                    module.register_forward_hook(self.hook(name))
                    self.hooked.add(name)
            self.wardrobe[adapter.id] = held
            while len(self.wardrobe) > WORN:
                self.wardrobe.popitem(last=False)
        self.wardrobe.move_to_end(adapter.id)
        return self.wardrobe[adapter.id]

    def hook(self, name: str) -> Callable[..., Any]:
        def add(module: Any, inputs: tuple[Any, ...], output: Any) -> Any:
            pair = self.worn.get(name)
            return None if pair is None else output + (inputs[0] @ pair[0].T) @ pair[1].T
        return add

    def prompt(self, messages: list[Message]) -> str:
        """The conversation as the model was trained to read it. A template without a system role gets it with the first message."""
        from jinja2.exceptions import TemplateError

        said = disarm(messages, self.marks)
        try:
            return self.render(said)
        except TemplateError:
            if len(said) < 2 or said[0]["role"] != "system":
                raise
            first = {**said[1], "content": said[0]["content"] + "\n\n" + said[1]["content"]}
            return self.render([first, *said[2:]])

    def render(self, messages: list[Message]) -> str:
        return str(self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, enable_thinking=False))

    def decode(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))


class Run:
    """One reply in the making: its tokens and their keys and values."""

    def __init__(self, mind: LocalThinker, prompt: list[int], known: list[State], owner: Any, worn: dict[str, tuple[Any, Any]]):
        """`owner`: of the prefixes in the cache, which are others with every adapter."""
        from transformers import DynamicCache

        self.mind, torch, self.owner, self.worn = mind, mind.torch, owner, worn
        self.kv = DynamicCache(config=mind.model.config)
        count = sum(state[0].shape[-2] for state in known)
        if known:
            for layer, parts in enumerate(zip(*known)):                                # one state is [keys and values of each layer]
                if layer % 2 == 0:
                    keys = torch.cat(parts, -2)
                else:
                    self.kv.update(keys, torch.cat(parts, -2), layer // 2)
        self.ids = list(prompt[:count])

    def step(self, tokens: list[int]):
        """Compute the next tokens -> the logits of the last, float32 numpy (vocabulary,)."""
        torch, model = self.mind.torch, self.mind.model
        with torch.inference_mode():                     # not around a yield: it belongs to the thread, others run on it meanwhile
            self.mind.worn = self.worn                   # steps of several replies take turns
            found = model(input_ids=torch.tensor([tokens], device=model.device), past_key_values=self.kv, use_cache=True, **self.mind.last_only)
        self.ids.extend(tokens)
        return found.logits[0, -1].float().cpu().numpy()

    def keep(self) -> None:
        """Remember what was read, unless a layer forgets (a sliding window, a recurrent state): such a cache cannot be cut."""
        from transformers.cache_utils import DynamicLayer

        layers = [layer for layer in self.kv.layers if type(layer) is DynamicLayer]
        if self.ids and len(layers) == len(self.kv.layers):
            state = [part for layer in layers for part in (layer.keys, layer.values)]
            self.mind.cache.keep(self.owner, self.ids, state)


def size(source: str, options: dict) -> int:
    """Bytes of a model's weights in fp32, from its config alone."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(source, **options)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    return 4 * sum(weight.numel() for weight in model.parameters())


def ends(*ids: int | list[int] | None) -> set[int]:
    """Token ids that end a reply."""
    found: set[int] = set()
    for item in ids:
        found.update([item] if isinstance(item, int) else item or [])
    return found
