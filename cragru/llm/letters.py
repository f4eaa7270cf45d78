"""Control tokens in a text: read as letters by a tokenizer of ours, broken where a server reads the text itself.

A tokenizer takes the name of a control token for the token wherever it stands, also in a film's title. So the tokens
are renamed for such a text: in the tokenizer and in what the chat template wrote, and not in what the user says.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property, lru_cache

from tokenizers import Tokenizer

PRIVATE_USE = range(0xE000, 0xF900)  # code points that no title has by right
# how chat models name their control tokens: a server's may be others than those of the tokenizer that counts for it
KNOWN = (
    r"<\|[^<>|\s]{1,40}\|>|<\uff5c[^<>\uff5c\s]{1,40}\uff5c>|</?s>|<(?:bos|eos|pad|unk|mask)>|<</?SYS>>|"
    r"\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]|"
    r"</?(?:start_of_turn|end_of_turn|think|tool_call|tool_response)>"
)


class Control:
    """The control tokens of a tokenizer: its special ones, and others that its chat template names."""

    def __init__(self, tokenizer: Tokenizer, template: str) -> None:
        """Find them.

        Args:
            tokenizer: The model's.
            template: Source of the chat template.
        """
        self._tokenizer = tokenizer
        self._of_id = {}
        for number, token in tokenizer.get_added_tokens_decoder().items():
            is_in_template = token.content.strip() != "" and token.content in template
            if token.special or is_in_template:
                self._of_id[number] = token.content
        self._renamed = lru_cache(maxsize=2)(self._rename)

    @cached_property
    def names(self) -> frozenset[str]:
        """What they are called in a text."""
        return frozenset(self._of_id.values())

    def among(self, tokens: Sequence[int]) -> list[int]:
        """Those of these token ids that are control tokens, in order."""
        return [number for number in tokens if number in self._of_id]

    def first_in(self, text: str) -> str | None:
        """The first name in a text, or None."""
        found = self._pattern.search(text)
        return found and found[0]

    def encode_as_letters(self, message: str, chat: Callable[[str], str]) -> list[int]:
        """Token ids of a chat, where a name in the message is letters.

        Args:
            message: What the user says.
            chat: Writes the chat with a message, by the model's template; it may cut blanks or escape quotes.
        """
        new_name, begin, end = unused_letters(message, 3)
        names = sorted(self.names)
        hidden = self._pattern.sub(lambda found: f"{begin}{names.index(found[0])}{end}", message)
        renamed = self._pattern.sub(lambda found: found[0] + new_name, chat(hidden))
        whole = re.sub(f"{begin}([0-9]+){end}", lambda found: names[int(found[1])], renamed)
        return self._renamed(new_name).encode(whole, add_special_tokens=False).ids

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """A name: the longest of those that begin at a place, as the tokenizer has it."""
        return _any_of(self.names)

    def _rename(self, ending: str) -> Tokenizer:
        """The tokenizer with other names for its control tokens, and the same ids for all tokens."""
        parts = json.loads(self._tokenizer.to_str())
        new = {name: name + ending for name in self.names}
        for token in parts["added_tokens"]:
            if token["content"] in new:
                token |= {"content": new[token["content"]], "normalized": False}
        model = parts["model"]
        if isinstance(model["vocab"], dict):
            model["vocab"] = {
                new.get(text, text): number for text, number in model["vocab"].items()
            }
        else:  # of a Unigram model: pairs of a piece and its score
            model["vocab"] = [[new.get(text, text), score] for text, score in model["vocab"]]
        if model.get("unk_token") in new:
            model["unk_token"] = new[model["unk_token"]]
        return Tokenizer.from_str(json.dumps(parts))


def soften(text: str, names: Collection[str]) -> str:
    """A text in which no reader finds a control token: a blank stands after the first letter of each name.

    Args:
        text: What is sent.
        names: Of the control tokens that are known; those that chat models have in common come on top.
    """
    pattern = _any_of(names, KNOWN)
    while (softer := pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)) != text:
        text = softer
    return text


def unused_letters(text: str, count: int) -> list[str]:
    """The first `count` letters of private use that a text does not have."""
    free: Iterator[str] = (chr(point) for point in PRIVATE_USE if chr(point) not in text)
    return [next(free) for _ in range(count)]


def _any_of(names: Collection[str], more: str = "") -> re.Pattern[str]:
    """An expression for any of these names, the longest first, or what `more` says; without either, for nothing."""
    longest_first = sorted((name for name in names if len(name) > 1), key=len, reverse=True)
    choices = [re.escape(name) for name in longest_first] + [more] * bool(more)
    return re.compile("|".join(choices) or "(?!)")
