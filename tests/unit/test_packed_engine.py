"""Packed log p against plain forward passes, with tiny random models of two architectures; and the engine around it."""

import json

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from cragru.config.base import parse
from cragru.config.llms import EngineOptions, LlmService
from cragru.kept.files import sha256
from cragru.llm.base import Continuations
from cragru.llm.packed_engine import PackedEngine, open_engine, packed_log_p
from tests.refusals import refused

SIZES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 300,
}
MODELS = {"llama": (LlamaConfig, LlamaForCausalLM), "qwen2": (Qwen2Config, Qwen2ForCausalLM)}
TEXT, REST = [5, 17, 250, 3, 99], [[7], [8, 200, 8], [7, 7, 120, 31, 2], [8, 200]]
START = 256  # the token before every text


def made(name):
    """A model whose log p differ by nats from token to token, as a trained one's do."""
    torch.manual_seed(3)
    config, kind = MODELS[name]
    return kind(config(**SIZES, initializer_range=0.5)).float().eval()


def plain_log_p(model, text, rest):
    """The same of one continuation at a time, with neither a mask nor positions."""
    found = []
    for one in rest:
        tokens = torch.tensor([text + one])
        with torch.no_grad():
            log_p = model(input_ids=tokens).logits[0].log_softmax(dim=-1)
        places = range(len(text), len(text) + len(one))
        found.append(sum(log_p[place - 1, tokens[0, place]].item() for place in places))
    return found


@pytest.mark.parametrize("name", MODELS)
def test_packed_is_plain(name):
    model = made(name)
    found = packed_log_p(model, TEXT, REST)
    assert found == pytest.approx(plain_log_p(model, TEXT, REST), abs=1e-4)
    assert max(found) - min(found) > 1


@pytest.mark.parametrize("name", MODELS)
def test_a_continuation_does_not_see_the_others(name):
    model = made(name)
    first = packed_log_p(model, TEXT, REST)
    turned = packed_log_p(model, TEXT, [[1, 2, 3], *REST[::-1]])
    assert turned[:0:-1] == pytest.approx(first, abs=1e-4)


# --- the engine


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny Llama that reads bytes; three further tokens are control tokens."""
    folder = tmp_path_factory.mktemp("model")
    made("llama").save_pretrained(folder)
    alphabet = sorted(ByteLevel.alphabet())
    tokenizer = Tokenizer(BPE({letter: number for number, letter in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.add_special_tokens(["<bos>", "<|end|>"])
    tokenizer.add_tokens(["<tool>"])
    tokenizer.post_processor = TemplateProcessing("<bos> $A", special_tokens=[("<bos>", START)])
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def engine(folder, **options):
    files = {path.name: sha256(path) for path in folder.iterdir()}
    options = EngineOptions(**{"context": 128, "dtype": "float32"} | options)
    return PackedEngine(folder, files, options, 1)


QUESTIONS = [
    Continuations("Seen:\n- Heat\n-", ("1", "22"), (" Big", " Jaws")),
    Continuations("Seen:\n-", ("1",), (" Big <|end|><tool>",)),
]


def test_answers_have_log_p_of_each_and_count_every_token_once(folder):
    asked = engine(folder)
    first, second = asked.ask(QUESTIONS)
    letters = {letter: number for number, letter in enumerate(sorted(ByteLevel.alphabet()))}

    def tokens(text):
        return [letters[letter] for letter in text.replace(" ", "Ġ").replace("\n", "Ċ")]

    text = [START, *tokens("Seen:\n- Heat\n-")]
    wanted = plain_log_p(made("llama"), text, [tokens(" Big"), tokens(" Jaws")])
    told = json.loads(first.text)
    assert list(told) == ["1", "22"]
    assert list(told.values()) == pytest.approx(wanted, abs=1e-3)
    assert all(value == round(value, 4) for value in told.values())
    # the token before it, 14 letters, and 4 and 5 of the titles
    assert (first.prompt_tokens, first.answer_tokens, first.finish_reason) == (24, 0, "stop")
    # the names of control tokens in a title are letters
    assert second.prompt_tokens == 1 + 7 + len(" Big <|end|><tool>")


def test_answers_repeat_and_depend_on_no_other_question(folder):
    one = engine(folder, dtype="bfloat16").ask(QUESTIONS)
    other = engine(folder, dtype="bfloat16").ask(QUESTIONS[::-1])
    assert one == other[::-1]


def test_all_that_an_answer_depends_on_is_in_the_key(folder):
    base, other = engine(folder).settings, engine(folder, dtype="bfloat16", context=256).settings
    assert base["options"] == {"dtype": "float32", "threads": 1}
    assert base["model"]["tokenizer.json"] == sha256(folder / "tokenizer.json")
    assert {name for name in base if base[name] != other[name]} == {"options"}
    assert base["versions"].keys() >= {"torch", "transformers", "tokenizers"}


def test_another_model_than_was_fetched_is_refused(folder):
    asked = engine(folder)
    asked._files["config.json"] = "0" * 64
    with refused(place=folder / "config.json"):
        asked.ask(QUESTIONS)


def test_a_model_that_heeds_no_mask_is_refused(folder, monkeypatch):
    forward = LlamaForCausalLM.forward

    def deaf(self, attention_mask=None, **given):
        return forward(self, **given)

    monkeypatch.setattr(LlamaForCausalLM, "forward", deaf)
    with refused(place=folder, got="llama"):
        engine(folder).ask(QUESTIONS)


def test_no_server_answers(folder):
    source = {"kind": "server", "url": "http://127.0.0.1:9", "model": "m", "tokenizer": "t"}
    entry = parse(LlmService, {"source": source, "engine": {"context": 128}}, "llms.yaml")
    with refused(place="source.kind"):
        open_engine(entry, folder, {}, 1)
