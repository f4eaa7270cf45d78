"""A model's tokenizer with its chat template: what the engine is given, and how long a prompt is."""

import os
from pathlib import Path

from cragru.errors import CragruError
from cragru.io import PathLike


class ChatTokenizer:
    """Turns a user's message into the tokens that the model sees."""

    def __init__(self, folder: PathLike) -> None:
        """Load the tokenizer of a model's folder; nothing is looked up on the web.

        Raises:
            CragruError: If there is none, or it has no chat template.
        """
        os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
        from transformers import AutoTokenizer

        try:
            self._tokenizer = AutoTokenizer.from_pretrained(Path(folder))
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise CragruError(f"{folder}: no readable tokenizer ({reason}); delete the folder and run again") from error
        if not self._tokenizer.chat_template:
            raise CragruError(
                f"{folder}: its tokenizer has no chat template; take a model that was tuned to instructions"
            )

    def tokens(self, message: str) -> list[int]:
        """Token ids of the chat in which the user says `message` and the assistant is about to answer."""
        chat = [{"role": "user", "content": message}]
        return self._tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)

    def count(self, message: str) -> int:
        """How many these are."""
        return len(self.tokens(message))
