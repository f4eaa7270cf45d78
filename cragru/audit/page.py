"""The page of a certificate: what was done, in plain words, on one screen."""

from collections.abc import Iterator
from typing import Any

from cragru.core.request import Request
from cragru.kept.files import write_text
from cragru.written.texts import counted

Record = dict[str, Any]


def write_page(path: Any, certificate: Record, purge: Record | None) -> None:
    """Write a certificate's page; see `page_of`."""
    write_text(path, page_of(certificate, purge))


def page_of(certificate: Record, purge: Record | None) -> str:
    """Return a certificate in plain words, as Markdown; it names no user and no item.

    Args:
        certificate: The certificate.
        purge: The record of its purge, if there was one.
    """
    request = Request.of(certificate["request"])
    called = f"`{request.request}`" if request.request else "of the protocol"
    state, removed = certificate["state"], certificate["commitment"]
    held_out = removed["held_out_interactions"]
    return "\n".join(
        [
            "# Certificate of a deletion request",
            "",
            f"Request {called} on {request.dataset}, protocol `{request.protocol}`, seed {request.seed}. "
            f"Certified on {certificate['date']} with the key `{removed['key']}`.",
            "",
            f"**Removed.** {removed['interactions'] + held_out} interactions of {counted(removed['users'], 'user')}: "
            f"{removed['interactions']} that models were trained on, {held_out} kept for validation and tests.",
            "",
            f"**Who serves.** The request started from `{state['before']}`. After it, this serves: `{state['after']}`",
            "",
            *_models(certificate["models"]),
            f"**Checked.** {len(certificate['checks'])} checks passed, and each counts what it looked at:",
            "",
            *_checks(certificate["checks"]),
            "",
            "**Not guaranteed.**",
            "",
            *(f"- {sentence}" for sentence in certificate["not_guaranteed"]),
            "",
            f"**Still there.** {_remains(certificate['remains'], purge)}",
            "",
            "**Check it.** `snakemake --cores 1 audit` compares every file with this certificate. It needs the key.",
            "",
        ]
    )


def _models(models: dict[str, str]) -> Iterator[str]:
    """Yield a table of models and what each guarantees."""
    if not models:
        yield "CRAGRU's lists alone: no model was made anew."
        yield ""
        return
    yield "| model | guarantee |"
    yield "|:------|:----------|"
    for path, guarantee in models.items():
        yield f"| `{path}` | {guarantee} |"
    yield ""


def _checks(checks: list[Record]) -> Iterator[str]:
    """Yield each kind of check once, with how often it was made."""
    counts: dict[str, int] = {}
    for record in checks:
        counts[record["check"]] = counts.get(record["check"], 0) + 1
    for check, count in counts.items():
        yield f"- {check} ({count})"


def _remains(remains: list[Record], purge: Record | None) -> str:
    """Return which files hold forgotten rows or follow from them."""
    doomed = sum(entry["purge"] for entry in remains)
    kept = len(remains) - doomed
    if purge is None:
        return (
            f"{len(remains)} files hold these rows or follow from them; the certificate lists them. "
            f"`snakemake --cores 1 purge` deletes {doomed} of them, and {kept} remain."
        )
    return (
        f"{len(purge['purged'])} files were deleted on {purge['date']}. {kept} files that follow from these rows "
        "remain; `purged.json` lists both."
    )
