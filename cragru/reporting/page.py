"""The page of a run: one HTML file with its tables, figures and certificates, and how they were made."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from cragru.kept.files import write_text
from cragru.reporting.made import Made
from cragru.reporting.media import MEDIA_TYPES
from cragru.reporting.rule_graph import rule_graph

SHORT = 12  # digits of a commit
Files = Mapping[str, Any]
"""The files of a table or figure by their endings, and a figure's caption."""
# html: what is underlined; a text of the configuration is escaped in the Markdown already
WORDS = MarkdownIt("commonmark", {"html": True}).enable("table")


@dataclass(frozen=True)
class Section:
    """A table, figure or certificate on a page.

    Attributes:
        name: What the run calls it; an anchor of the page.
        body: Its HTML.
        files: What can be saved, by its file name: an address that holds the content.
    """

    name: str
    body: Markup
    files: Mapping[str, str]


def table_section(name: str, files: Files) -> Section:
    """Return a table with its caption and notes; its CSV files can be saved."""
    (words,) = files["md"]
    return Section(name, in_html(_text(words)), saved(files["csv"]))


def figure_section(name: str, files: Files) -> Section:
    """Return a figure, whose picture has its caption and note; what it is drawn from can be saved."""
    (picture,) = files["png"]
    image = Markup('<img src="{}" alt="{}">').format(_address(picture), files["caption"])
    return Section(name, image, saved([*files["csv"], *files["pdf"]]))


def certificate_section(name: str, files: Mapping[str, str]) -> Section:
    """Return a certificate in plain words; its JSON can be saved."""
    words = _text(files["page"]).partition("\n")[2]  # the page has a title of its own
    return Section(name, in_html(words), saved([files["certificate"]]))


def rendered(template: str, **values: Any) -> str:
    """Return a page by a template of `pages/`, whose every value is escaped unless it is `Markup`."""
    loader = PackageLoader("cragru.reporting", "pages")
    options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    return (
        Environment(loader=loader, autoescape=True, **options).get_template(template).render(values)
    )


def in_html(markdown: str) -> Markup:
    """Return Markdown as HTML."""
    return Markup(WORDS.render(markdown))


def _text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def saved(paths: Sequence[str]) -> dict[str, str]:
    """Return addresses that hold the content of files, by the files' names."""
    return {Path(path).name: _address(path) for path in paths}


def _address(path: str) -> str:
    content = base64.b64encode(Path(path).read_bytes()).decode()
    return f"data:{MEDIA_TYPES[Path(path).suffix]};base64,{content}"


def write_page(
    path: str,
    run: str,
    settings: Mapping[str, Any],
    sections: Mapping[str, Sequence[Section]],
    made: Made,
) -> None:
    """Write a run's page.

    Args:
        path: Of the page.
        run: The run's name.
        settings: The run's configuration, as YAML has it.
        sections: By the title of their part, in the page's order.
        made: What made all of it.
    """
    facts = {
        "commit": [commit[:SHORT] for commit in made.commits] or ["unknown"],
        "processor": made.processors or ["unknown"],
        **{name: made.versions[name] for name in sorted(made.versions)},
    }
    content = rendered(
        "run.html",
        run=run,
        sections=sections,
        graph=Markup(rule_graph(made.jobs, made.edges)),
        jobs=sum(made.jobs.values()),
        facts=facts,
        configuration=yaml.safe_dump(
            dict(settings), sort_keys=False, allow_unicode=True, width=100
        ),
    )
    write_text(path, content)
