"""An LLM as an encoder: what it is shown, where it is looked at, and what is made of its vectors."""

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaModel, PreTrainedTokenizerFast

from cragru.llm.encoder import encode, isotropic, item_text
from cragru.llm.prompts import Movie, natural_title

WORDS = ["<unk>", "one", "two", "three", "four"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny random model of eight layers with a tokenizer of words."""
    place = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=len(WORDS), num_hidden_layers=8, num_key_value_heads=2, **shape)
    LlamaModel(config).save_pretrained(place)
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(place)
    return place


def test_a_vector_is_the_mean_state_at_three_quarters_of_the_layers(folder):
    texts = ["one two three four", "two", "four one"]
    vectors, tokens = encode(folder, texts, "float32")
    assert tokens == 7
    model = LlamaModel.from_pretrained(folder)
    for text, vector in zip(texts, vectors, strict=True):
        ids = torch.tensor([[WORDS.index(word) for word in text.split()]])
        states = model(input_ids=ids, output_hidden_states=True).hidden_states
        assert len(states) == 9  # the embeddings, and behind each layer
        torch.testing.assert_close(vector, states[6][0].mean(dim=0), atol=1e-5, rtol=1e-4)


def test_vectors_repeat_to_the_byte(folder):
    texts = ["one two", "three", "four four one"]
    first, second = (encode(folder, texts, "bfloat16")[0] for _ in range(2))
    assert first.numpy().tobytes() == second.numpy().tobytes()


def test_what_all_texts_share_is_taken_out():
    """Three points on a line and one beside it: only what is beside the line is left."""
    vectors = np.array([[10.0, 0, 1], [20, 0, -1], [30, 0, -1], [40, 0, 1]])
    found = isotropic(vectors)
    np.testing.assert_allclose(np.abs(found), [[0, 0, 1]] * 4, atol=1e-6)
    assert found[:, 2].tolist() == pytest.approx([1, -1, -1, 1])


def test_an_item_is_told_by_title_year_and_genres():
    movie = Movie("1", "The Usual Suspects", 1995, "Crime|Thriller")
    assert item_text(movie) == "The Usual Suspects (1995), Crime, Thriller"
    assert item_text(Movie("2", "Nothing", None)) == "Nothing"


@pytest.mark.parametrize(
    ("title", "wanted"),
    [
        ("Usual Suspects, The", "The Usual Suspects"),
        ("Close Shave, A", "A Close Shave"),
        ("Affair to Remember, An", "An Affair to Remember"),
        (
            "City of Lost Children, The (Cité des enfants perdus, La)",
            "The City of Lost Children (Cité des enfants perdus, La)",
        ),
        ("Auberge espagnole, L'", "L'Auberge espagnole"),
        ("Postino, Il", "Il Postino"),
        ("Eat Drink Man Woman", "Eat Drink Man Woman"),
        ("Good, The Bad and The Ugly, The", "The Good, The Bad and The Ugly"),
        ("Lost, Theodore", "Lost, Theodore"),
        ("", ""),
    ],
)
def test_articles_stand_before_titles(title, wanted):
    assert natural_title(title) == wanted
