"""Where the checkout and its Python lie."""

from pathlib import Path

import pytest

from cragru.plan.checkout import check_checkout, check_image
from tests.refusals import refused


@pytest.mark.parametrize("root", ["/a/{x}/c", "/a}/c", "/it's/c"])
def test_a_checkout_that_snakemake_cannot_work_in(root):
    with refused(place="the checkout", got=root) as caught:
        check_checkout(Path(root), "/usr/bin/python3.11")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("letter", " \t\n'\"`$\\:;&|<>(){}[]*?")
def test_a_python_that_no_job_can_start(letter):
    with refused(place="its Python", got=f"/a{letter}b/bin/python") as caught:
        check_checkout(Path("/c"), f"/a{letter}b/bin/python")
    assert "\n" not in str(caught.value)


def test_an_image_that_is_not_there(tmp_path):
    image = tmp_path / "image.sif"
    with refused(place="image.sif", got=str(image)):
        check_image(image)
    image.touch()
    check_image(image)


def test_other_paths():
    check_checkout(Path("/a b/é映/$(x)"), "/é映/a%b#c~d+e@f,g=h!i-_.^/bin/python")
