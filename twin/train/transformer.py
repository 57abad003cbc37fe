"""The talker's network: a Llama (arxiv.org/abs/2302.13971) in small. RMSNorm before each part, rotary positions, grouped-query attention, SwiGLU, one table
for both ends. Letters in shapes: B rows, T tokens, H heads of queries, G of keys and values, D numbers of a head. docs/train.md reads it line by line."""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention, silu

from twin.errors import Refused


@dataclass(frozen=True)
class Size:
    """Every width is a multiple of 32, the blocks of twin/think/graph.py."""
    width: int
    layers: int
    heads: int
    kv_heads: int                                        # heads that share keys and values: heads / kv_heads
    inner: int
    vocabulary: int = 8192
    positions: int = 1024
    theta: float = 1e6                                   # of rotary positions: most planes turn slowly enough to compare contents
    epsilon: float = 1e-5
    batch: int = 2048                                    # tokens of a step
    rate: float = 1e-3                                   # the highest learning rate

    @property
    def head(self) -> int:
        return self.width // self.heads

    def config(self) -> dict[str, Any]:
        """As transformers names it: the same weights load into its LlamaForCausalLM."""
        return {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": self.width, "intermediate_size": self.inner,
                "num_hidden_layers": self.layers, "num_attention_heads": self.heads, "num_key_value_heads": self.kv_heads, "head_dim": self.head,
                "hidden_act": "silu", "max_position_embeddings": self.positions, "rms_norm_eps": self.epsilon, "rope_theta": self.theta,
                "tie_word_embeddings": True, "vocab_size": self.vocabulary, "attention_bias": False, "mlp_bias": False, "dtype": "float32"}


SIZES = {                                                # parameters with the embedding: 0.6, 2.8, 5.7 and 39.6 M
    "tiny": Size(96, 2, 6, 2, 128, vocabulary=4608, batch=512, rate=4e-3),
    "mini": Size(192, 4, 6, 2, 512, vocabulary=6144, batch=1024, rate=1e-3),
    "small": Size(256, 6, 8, 2, 672, vocabulary=6144, batch=2048, rate=1e-3),
    "40m": Size(512, 12, 8, 4, 1408, batch=65536, rate=1e-3),
}


class Norm(nn.Module):
    """x / sqrt(mean(x²)) times a weight for each number: arxiv.org/abs/1910.07467."""

    def __init__(self, size: Size):
        super().__init__()
        self.weight, self.epsilon = nn.Parameter(torch.ones(size.width)), size.epsilon

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.weight


def turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions, arxiv.org/abs/2104.09864: number i of a head and number i + D/2 are a point in a plane, turned by position × speed_i.
    x (B, H, T, D), cos and sin (T, D/2). The product of a query and a key then depends on how far apart they are, not on where."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


class Attention(nn.Module):
    """Each token asks (q), is found by (k) and hands on (v): softmax(q kᵀ / √D) v over itself and what came before. Several heads of queries share
    one of keys and values (grouped-query attention, arxiv.org/abs/2305.13245), so that the cache is small."""

    def __init__(self, size: Size):
        super().__init__()
        self.size = size
        own, shared = size.heads * size.head, size.kv_heads * size.head
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(size.width, n, bias=False) for n in (own, shared, shared))
        self.o_proj = nn.Linear(own, size.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, past: list[Tensor] | None) -> Tensor:
        size, (rows, length, _) = self.size, x.shape
        q = self.q_proj(x).view(rows, length, size.heads, size.head).transpose(1, 2)           # (B, H, T, D)
        k = self.k_proj(x).view(rows, length, size.kv_heads, size.head).transpose(1, 2)        # (B, G, T, D)
        v = self.v_proj(x).view(rows, length, size.kv_heads, size.head).transpose(1, 2)
        q, k = turned(q, cos, sin), turned(k, cos, sin)
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
            past[:] = [k, v]
        before = k.shape[2] - length                                                           # tokens that only the cache holds
        ones = None if not before else torch.ones(length, k.shape[2], dtype=torch.bool, device=x.device).tril(before)
        k, v = (part.repeat_interleave(size.heads // size.kv_heads, 1) for part in (k, v))     # (B, H, T, D)
        out = scaled_dot_product_attention(q, k, v, attn_mask=ones, is_causal=not before)
        return self.o_proj(out.transpose(1, 2).reshape(rows, length, -1))


class Mlp(nn.Module):
    """SwiGLU, arxiv.org/abs/2002.05202: (silu(x G) · x U) D."""

    def __init__(self, size: Size):
        super().__init__()
        self.gate_proj, self.up_proj = (nn.Linear(size.width, size.inner, bias=False) for _ in range(2))
        self.down_proj = nn.Linear(size.inner, size.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    """Both parts add to what flows through: the residual stream."""

    def __init__(self, size: Size):
        super().__init__()
        self.input_layernorm, self.post_attention_layernorm = Norm(size), Norm(size)
        self.self_attn, self.mlp = Attention(size), Mlp(size)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, past: list[Tensor] | None) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, past)
        return x + self.mlp(self.post_attention_layernorm(x))


class Talker(nn.Module):
    """Token ids (B, T) -> logits. Padding belongs at the right end: what comes later changes nothing before it."""

    cos: Tensor
    sin: Tensor

    def __init__(self, size: Size):
        super().__init__()
        self.size = size
        layers = [Layer(size) for _ in range(size.layers)]
        self.model = nn.ModuleDict({"embed_tokens": nn.Embedding(size.vocabulary, size.width), "layers": nn.ModuleList(layers), "norm": Norm(size)})
        speed = size.theta ** -(torch.arange(0, size.head, 2) / size.head)                     # rad a token
        angle = torch.outer(torch.arange(size.positions), speed)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        for name, weight in self.named_parameters():
            if weight.ndim > 1:                          # what adds to the stream begins smaller, so that its size does not grow with the depth
                nn.init.normal_(weight, 0, 0.02 / math.sqrt(2 * size.layers) if name.endswith(("o_proj.weight", "down_proj.weight")) else 0.02)

    def forward(self, ids: Tensor, where: Tensor | None = None, cache: list[list[Tensor]] | None = None) -> Tensor:
        """-> logits (B, T, vocabulary), or (n, vocabulary) where the bool `where` (B, T) is true. `cache`: of `empty`, which grows by T."""
        at = cache[0][0].shape[2] if cache else 0
        if at + ids.shape[1] > self.size.positions:
            raise Refused(f"{at + ids.shape[1]} tokens are more than the {self.size.positions} that this model holds.", "Give it fewer or shorter facts.")
        x = self.model["embed_tokens"](ids)
        cos, sin = (part[at:at + ids.shape[1]] for part in (self.cos, self.sin))
        for n, layer in enumerate(cast(Any, self.model["layers"])):
            x = layer(x, cos, sin, cache[n] if cache else None)
        x = self.model["norm"](x if where is None else x[where])
        return x @ self.model["embed_tokens"].weight.T

    def empty(self) -> list[list[Tensor]]:
        """A cache that holds nothing yet, for one row."""
        none = self.cos.new_zeros(1, self.size.kv_heads, 0, self.size.head)
        return [[none, none] for _ in range(self.size.layers)]

    @torch.no_grad()
    def reply(self, ids: Sequence[int], end: int, most: int = 60) -> list[int]:
        """The likeliest next tokens, one after another, up to `end` (left out)."""
        cache, said = self.empty(), [int(i) for i in ids]
        new = said
        for _ in range(most):
            token = int(self(torch.tensor([new], device=self.cos.device), cache=cache)[0, -1].argmax())
            if token == end:
                break
            said, new = [*said, token], [token]
        return said[len(ids):]


@torch.no_grad()
def head_start(net: Talker, spread: float = 0.1, still: float = 1.0, near: float = 6.3, sharp: float = 5.0, written: float = 0.5, copied: float = 2.0,
               gain: float = 1.2) -> None:
    """Put induction heads (docs/train.md) into the first two layers of a network with random weights, one for each group of keys, so that it copies before
    it has learnt anything: mimetic initialisation (arxiv.org/abs/2305.09828), taken further. All of it goes on being learnt.

    Number 0 of every embedding is the same. From it the first layer's queries and keys make a head that looks at the token before, whatever it is:
    k = u and q = R₋₁ u give q R k = Σ cos(speed (distance - 1)). It writes what it finds there, V x, into room that nothing else uses, Q. A head of the
    second layer compares its own V x with that room and hands on V x of what it finds, to where the table reads it. V and Q are rows of one rotation."""
    size, table = net.size, cast(Any, net.model["embed_tokens"]).weight
    head, wide, group = size.head, size.width, size.heads // size.kv_heads
    if 2 * size.kv_heads * head >= wide:
        raise ValueError("half of the heads' numbers must fit into the width")
    table.mul_(spread / 0.02)
    table[:, 0] = still
    one = still * math.sqrt(wide / (still ** 2 + (wide - 1) * spread ** 2))                    # number 0 behind the norm
    turn = torch.zeros(wide - 1, wide)
    turn[:, 1:] = torch.linalg.qr(torch.randn(wide - 1, wide - 1))[0]
    speed = size.theta ** -(torch.arange(0, head, 2) / head)
    slow = (speed < 0.01).float().repeat(2)[:, None]                                           # planes that a hundred tokens hardly turn compare contents
    zero, first = (cast(Any, net.model["layers"])[n].self_attn for n in (0, 1))
    for n in range(size.kv_heads):
        own, room = (turn[(n + m) * head:(n + m + 1) * head] for m in (0, size.kv_heads))      # V and Q, (D, width)
        keys, asks = slice(n * head, (n + 1) * head), slice(n * group * head, n * group * head + head)
        zero.k_proj.weight[keys] *= 0.1
        zero.k_proj.weight[keys.start:keys.start + head // 2, 0] = near / one
        zero.q_proj.weight[asks] *= 0.1
        zero.q_proj.weight[asks, 0] = torch.cat([speed.cos(), -speed.sin()]) * near / one
        zero.v_proj.weight[keys], zero.o_proj.weight[:, asks] = own, room.T * written
        first.q_proj.weight[asks], first.k_proj.weight[keys] = own * sharp * slow, room * sharp * slow
        first.v_proj.weight[keys], first.o_proj.weight[:, asks] = own, own.T * copied
    cast(Any, net.model["norm"]).weight.fill_(gain)
