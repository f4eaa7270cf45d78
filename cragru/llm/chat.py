"""A model's tokenizer, with its chat template or without: what the engine is given, and how long a prompt is.

A message is letters, whatever it says: a title with `<|im_end|>` in it does not end the user's turn
(`cragru.llm.letters`).

Read with the libraries that transformers itself reads them with. Importing transformers takes longer than everything
else that a job with prompts does, and it tells templates today's date, by which prompts would be others tomorrow.
"""

import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
import jinja2.meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from cragru.core.errors import CragruError, short
from cragru.core.place import PathLike, spot
from cragru.kept.files import read_json
from cragru.llm.letters import Control, soften

AGAIN = "delete it and run again"
SPECIAL = ("bos_token", "eos_token", "pad_token", "unk_token")  # what templates may name


class TextTokenizer:
    """Turns a text into the tokens that the model sees, where it continues the text."""

    def __init__(self, folder: PathLike) -> None:
        """Load the tokenizer of a model's folder.

        Raises:
            CragruError: If there is none.
        """
        self._tokenizer = _tokenizer_of(Path(folder))
        self._control = Control(self._tokenizer, None)

    @cached_property
    def start(self) -> list[int]:
        """What stands before every text, such as `<bos>`; nothing for many models."""
        return self._tokenizer.encode("").ids

    def tokens(self, text: str) -> list[int]:
        """Return token ids of a text, without `start`; it has no control tokens, whatever it says."""
        found = self._tokenizer.encode(text, add_special_tokens=False).ids
        if not self._control.among(found):
            return found
        return self._control.encode_as_letters(text, lambda message: message)

    def counter(self, is_remote: bool) -> Callable[[str], int]:
        """Return the function that counts a text with `start`; no server is asked to continue texts."""
        return lambda text: len(self.start) + len(self.tokens(text))

    def check_template(self, text: str, where: str) -> None:
        """Refuse a prompt template as `Control.check_template` does."""
        self._control.check_template(text, where)


class ChatTokenizer:
    """Turns a user's message into the tokens that the model sees, where it answers."""

    def __init__(self, folder: PathLike) -> None:
        """Load the tokenizer of a model's folder.

        Raises:
            CragruError: If there is none, or it has no chat template.
        """
        folder = Path(folder)
        self._tokenizer = _tokenizer_of(folder)
        config = _json_of(folder / "tokenizer_config.json")
        self._special = _special_tokens(folder, config)
        template = _template(folder, config)
        self._template = _compile(folder, template, self._special)
        self._control = Control(self._tokenizer, template)

    def tokens(self, message: str) -> list[int]:
        """Return token ids of the chat in which the user says `message` and the assistant is about to answer.

        The control tokens among them are those of the chat template: the message has none.

        Raises:
            CragruError: If the template refuses such a chat.
        """
        found = self._encoded(message)
        is_plain = self._control.among(found) == self._own_control
        return found if is_plain else self._control.encode_as_letters(message, self._chat)

    def count(self, message: str) -> int:
        """Return the number of `tokens` of a message."""
        return len(self.tokens(message))

    def label(self, text: str) -> int:
        """Return the one token that an answer is which says `text`.

        Raises:
            CragruError: If it is not one token.
        """
        chat = self._chat("x")
        before = self._tokenizer.encode(chat, add_special_tokens=False).ids
        found = self._tokenizer.encode(chat + text, add_special_tokens=False).ids
        if found[:-1] != before:
            raise CragruError(
                "not one token of this model, as a label must be",
                got=text,
                advice="take fewer candidates, or another form of scoring",
            )
        return found[-1]

    def count_answer(self, text: str) -> int:
        """Return the number of tokens of an answer, with the one that ends it."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids) + 1

    def harmless(self, message: str) -> str:
        """Return what to send to a server, which makes the tokens itself: a blank breaks each control token's name."""
        return soften(message, self._control.names)

    def counter(self, is_remote: bool) -> Callable[[str], int]:
        """Return the function that counts a message as it is sent: as letters, or as a server's harmless text."""
        return (lambda message: self.count(self.harmless(message))) if is_remote else self.count

    def check_template(self, text: str, where: str) -> None:
        """Refuse a prompt template as `Control.check_template` does."""
        self._control.check_template(text, where)

    @cached_property
    def _own_control(self) -> list[int]:
        """The control tokens of the chat template alone."""
        return self._control.among(self._encoded("x"))

    def _encoded(self, message: str) -> list[int]:
        """Return token ids of a chat whose message is read as the library does: names of control tokens are obeyed."""
        return self._tokenizer.encode(self._chat(message), add_special_tokens=False).ids

    def _chat(self, message: str) -> str:
        """Return the text of a chat, by the template."""
        chat = [{"role": "user", "content": message}]
        options = {"add_generation_prompt": True, "tools": None, "documents": None}
        try:
            return self._template.render(messages=chat, **options, **self._special)
        except jinja2.TemplateError as error:
            raise CragruError(f"the chat template refuses it ({short(str(error))})") from error


def _tokenizer_of(folder: Path) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the library raises nothing more special
        why, place = short(str(error)), spot(folder)
        raise CragruError(f"bad tokenizer ({why})", place=place, advice=AGAIN) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _json_of(path: Path) -> dict[str, Any]:
    return read_json(path) if path.exists() else {}


def _special_tokens(folder: Path, config: dict[str, Any]) -> dict[str, str]:
    """Return the tokens that templates may name, from where newer and older models have them."""
    known = _json_of(folder / "special_tokens_map.json")
    found = {}
    for name in SPECIAL:
        token = config.get(name) or known.get(name)
        if token:  # as text, or as an entry with its properties
            found[name] = token if isinstance(token, str) else token["content"]
    return found


def _template(folder: Path, config: dict[str, Any]) -> str:
    """Return the template for chats: a file, or an entry of the configuration; of several, the default one."""
    file = folder / "chat_template.jinja"
    found = file.read_text(encoding="utf-8") if file.exists() else config.get("chat_template")
    if isinstance(found, list):
        found = {entry["name"]: entry["template"] for entry in found}.get("default")
    if not found:
        raise CragruError("no chat template", place=spot(folder), advice="take a model for chats")
    return found


def _compile(folder: Path, template: str, special: dict[str, str]) -> jinja2.Template:
    """Return the template with what templates of chats expect to find, as transformers has it, but for the date.

    A special token that it names must be given: an unknown name would be a blank, and the model would miss the token.
    """
    rules = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    rules.filters["tojson"] = lambda value, **how: json.dumps(value, ensure_ascii=False, **how)
    rules.globals["raise_exception"] = _refuse
    try:
        named = jinja2.meta.find_undeclared_variables(rules.parse(template))
        compiled = rules.from_string(template)
    except jinja2.TemplateError as error:
        raise CragruError(f"bad chat template ({short(str(error))})", place=spot(folder)) from error
    for name in sorted(named & set(SPECIAL) - set(special)):
        raise CragruError("its chat template names no token", place=spot(folder), got=name)
    return compiled


def _refuse(reason: str) -> None:
    """Stop a template that cannot have such a chat; templates call this."""
    raise jinja2.TemplateError(reason)
