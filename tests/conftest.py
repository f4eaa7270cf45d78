"""The shipped language model, converted once for all tests that need its weights."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory):
    """Its folder, and the checksums that fetching it returned."""
    from huggingface_hub import constants

    from cragru.config.llms import load_llms
    from cragru.llm.models import fetch_model

    folder = tmp_path_factory.mktemp("smollm2") / "results" / "model"
    source = load_llms(Path(__file__).parents[1] / "config/llms.yaml").entry("smollm2-135m").source
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("HF_HUB_OFFLINE", raising=False)
        patch.setattr(constants, "HF_HUB_OFFLINE", False)
        files = fetch_model(source, folder)
        assert "HF_HUB_OFFLINE" not in os.environ  # a model of the hub may be next
        assert constants.HF_HUB_OFFLINE is False
    return folder, files
