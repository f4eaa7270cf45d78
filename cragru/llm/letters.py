"""Control tokens in a text: read as letters by a tokenizer of ours, broken where a server reads the text itself.

A tokenizer takes the name of a control token for the token wherever it stands, also in a film's title. So the tokens
are renamed for such a text: in the tokenizer and in what the chat template wrote, and not in what the user says.
"""

import json
import re
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache

from tokenizers import Tokenizer

from cragru.core.errors import CragruError

PRIVATE_USE = range(0xE000, 0xF900)  # code points that no title has by right
# how chat models name their control tokens: a server's may be others than those of the tokenizer that counts for it
KNOWN = (
    r"<\|[^<>|\s]{1,40}\|>|<\uff5c[^<>\uff5c\s]{1,40}\uff5c>|</?s>|<(?:bos|eos|pad|unk|mask)>|<</?SYS>>|"
    r"\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]|"
    r"</?(?:start_of_turn|end_of_turn|think|tool_call|tool_response)>"
)


class Control:
    """The control tokens of a tokenizer, by `names`: its special ones, and others that its chat template names.

    Without a template, all tokens are that were added to the vocabulary and are no blanks.
    """

    def __init__(self, tokenizer: Tokenizer, template: str | None) -> None:
        self._tokenizer = tokenizer
        self._of_id = {}
        for number, token in tokenizer.get_added_tokens_decoder().items():
            is_named = template is None or token.content in template
            if token.special or (token.content.strip() and is_named):
                self._of_id[number] = token.content
        self.names = sorted(set(self._of_id.values()))
        self._pattern = _any_of(self.names)
        self._renamed = lru_cache(maxsize=2)(self._rename)

    def among(self, tokens: Sequence[int]) -> list[int]:
        """Return those of these token ids that are control tokens, in order."""
        return [number for number in tokens if number in self._of_id]

    def first_in(self, text: str) -> str | None:
        """Return the first name in a text, or None."""
        found = self._pattern.search(text)
        return found and found[0]

    def check_template(self, text: str, where: str) -> None:
        """Refuse a prompt template, of the file `where`, that names a control token: it would be read as letters.

        Raises:
            CragruError: If it names one.
        """
        if named := self.first_in(text):
            raise CragruError("a control token", place=where, got=named, advice="leave it out")

    def encode_as_letters(self, message: str, chat: Callable[[str], str]) -> list[int]:
        """Return token ids of a message in a `chat`, which may cut blanks or escape quotes; names in it are letters."""
        ending, begin, end = unused_letters(message, 3)
        names = self.names
        hidden = self._pattern.sub(lambda name: f"{begin}{names.index(name[0])}{end}", message)
        renamed = self._pattern.sub(lambda name: name[0] + ending, chat(hidden))
        whole = re.sub(f"{begin}([0-9]+){end}", lambda place: names[int(place[1])], renamed)
        return self._renamed(ending).encode(whole, add_special_tokens=False).ids

    def _rename(self, ending: str) -> Tokenizer:
        """Return the tokenizer with other names for its control tokens, and the same ids for all tokens."""
        parts = json.loads(self._tokenizer.to_str())
        new = {name: name + ending for name in self.names}
        for token in parts["added_tokens"]:
            if token["content"] in new:
                token |= {"content": new[token["content"]], "normalized": False}
        model = parts["model"]
        vocabulary = model["vocab"]
        pairs = vocabulary.items() if isinstance(vocabulary, dict) else vocabulary  # of Unigram
        renamed = [(new.get(piece, piece), value) for piece, value in pairs]
        model["vocab"] = type(vocabulary)(renamed)
        if model.get("unk_token") in new:
            model["unk_token"] = new[model["unk_token"]]
        return Tokenizer.from_str(json.dumps(parts))


def soften(text: str, names: Collection[str]) -> str:
    """Return a text in which a blank breaks each of these names of control tokens, and those of most chat models."""
    pattern = _any_of(names, KNOWN)
    while (softer := pattern.sub(lambda name: f"{name[0][0]} {name[0][1:]}", text)) != text:
        text = softer
    return text


def unused_letters(text: str, count: int) -> list[str]:
    """Return the first `count` letters of private use that a text does not have."""
    return [chr(point) for point in PRIVATE_USE if chr(point) not in text][:count]


def _any_of(names: Collection[str], more: str = "(?!)") -> re.Pattern[str]:
    """Return a pattern for any of these names, the longest first as tokenizers have it, or for what `more` says."""
    longest_first = sorted(names, key=len, reverse=True)
    longer = [re.escape(name) for name in longest_first if len(name) > 1]  # a blank breaks these
    return re.compile("|".join([*longer, more]))
