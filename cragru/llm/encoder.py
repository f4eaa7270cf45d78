"""An LLM as an encoder: a vector for each item of a catalogue, from its title, year and genres alone.

No interaction is needed, so nothing has to be forgotten. A user's candidate is scored by its mean cosine to the items
of the history.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cragru.core.place import PathLike
from cragru.core.progress import Progress
from cragru.llm.prompts import Movie

if TYPE_CHECKING:
    import torch

DEPTH = 0.75  # share of the layers behind which a text is looked at
BATCH = 32  # texts that are encoded together


def item_text(movie: Movie) -> str:
    """Return what the model is shown of an item."""
    year = f" ({movie.year})" if movie.year is not None else ""
    genres = f", {movie.genres.replace('|', ', ')}" if movie.genres else ""
    return f"{movie.title}{year}{genres}"


def encode(folder: PathLike, texts: Sequence[str], dtype: str) -> tuple["torch.Tensor", int]:
    """Return a vector of each text: the mean of its tokens' hidden states at `DEPTH` of the model's layers.

    Layers behind that are not loaded. Equal texts, model, versions and numbers of threads give equal bytes.

    Args:
        folder: A model with its tokenizer.
        texts: What to encode.
        dtype: The number type in which the model computes.

    Returns:
        `[n, d]` float32, and how many tokens the texts have.
    """
    import torch  # comparing vectors needs none, and starts faster without
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    config = AutoConfig.from_pretrained(folder)
    depth = int(DEPTH * config.num_hidden_layers)
    # the last layer that is loaded has the model's norm behind it, so one more is
    model = AutoModel.from_pretrained(
        folder, num_hidden_layers=depth + 1, dtype=getattr(torch, dtype)
    ).to("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokens = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    order = sorted(range(len(texts)), key=lambda number: len(tokens[number]))  # less to fill up
    vectors = torch.empty(len(texts), config.hidden_size)
    batches = [order[first : first + BATCH] for first in range(0, len(order), BATCH)]
    for batch in Progress(batches, "Encode items", len(texts), "item", weight=len):
        own = [tokens[number] for number in batch]
        longest = max(map(len, own))
        ids = torch.tensor([ids + [0] * (longest - len(ids)) for ids in own])
        mask = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids in own])
        with torch.inference_mode():
            given = {"input_ids": ids.to(model.device), "attention_mask": mask.to(model.device)}
            states = model(**given, output_hidden_states=True).hidden_states[depth]
        weights = mask[..., None].float()
        vectors[batch] = (states.float().cpu() * weights).sum(dim=1) / weights.sum(dim=1)
    return vectors, sum(map(len, tokens))


def isotropic(vectors: np.ndarray) -> np.ndarray:
    """Return vectors less their mean and their first principal direction, of length 1; `[n, d]` float64.

    Hidden states of language models share one direction, which has next to nothing to do with a text, and cosines of
    all pairs are near 1 (Mu and Viswanath, 2018). On validation lists vectors without it order candidates better.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    first = np.linalg.svd(centred, full_matrices=False).Vh[:1]
    rest = centred - (centred @ first.T) @ first
    lengths = np.linalg.norm(rest, axis=1, keepdims=True)
    return rest / np.maximum(lengths, np.finfo(float).tiny)


def read_vectors(path: PathLike) -> np.ndarray:
    """Return the vectors of a catalogue as `isotropic` makes them, `[items, d]`."""
    from safetensors.numpy import load_file

    return isotropic(load_file(Path(path))["vectors"])
