"""`dubsync deliver` and `dubsync watch`: finished dubs packaged for services, and a folder in which films arrive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from dubsync import verbs as api
from dubsync.cli.inspect import AsJson
from dubsync.cli.localize import check_strict
from dubsync.cli.wishes import languages_from
from dubsync.cli.words import counted
from dubsync.errors import Cancelled, UsageError

if TYPE_CHECKING:
    from dubsync.delivery import Delivered
    from dubsync.delivery.receipt import Verified
    from dubsync.watch import Watched

_out = Console()
_err = Console(stderr=True)


def mount(app: typer.Typer) -> None:
    """Add this family's verbs."""
    app.command()(deliver)
    app.command()(watch)


def deliver(
    title: Annotated[Path | None, typer.Argument(help="The film, or its title folder.")] = None,
    *,
    lang: Annotated[str, typer.Option(help="Language or languages: es, or es,pt.")] = "",
    spec: Annotated[str, typer.Option(help="hls, dash, cmaf, mp4, mp4-all, stems, or a .toml file.")] = "",
    out: Annotated[Path | None, typer.Option(help="Where it goes (default: film.dubsync/delivery/SPEC).")] = None,
    check: Annotated[Path | None, typer.Option("--check", help="Verify the receipt in this folder, and stop.")] = None,
    as_json: AsJson = False,
    strict: Annotated[bool, typer.Option("--strict", help="End with 7 if anything was flagged.")] = False,
) -> None:
    """Package finished dubs for a streaming service, play everything back, and leave a receipt."""
    from dubsync import delivery

    if check is not None:
        others = {"a title": title, "--lang": lang, "--spec": spec, "--out": out, "--strict": strict}
        if given := [name for name, value in others.items() if value]:
            raise UsageError(
                f"--check looks at a delivery that lies there, and has no use for {given[0]}",
                hint="say `dubsync deliver --check FOLDER`, with --json if you like",
            )
        _print_verified(check, delivery.check(check), as_json=as_json)
        return
    if title is None or not lang or not spec:
        known = ", ".join(delivery.specs.names())
        raise UsageError("a delivery needs a title, --lang and --spec", hint=f"specs: {known}; or --check FOLDER")

    def saying(step: str) -> None:
        if not as_json:
            _err.print(step, style="dim", highlight=False)

    made = delivery.deliver(title, languages_from(lang), spec, out=out, saying=saying)
    if as_json:
        print(json.dumps(as_object(made)))
    else:
        _print(made)
    check_strict(made.flags, is_strict=strict)


def as_object(made: Delivered) -> dict[str, Any]:
    """Return the JSON object of `--json`."""
    facts = made.receipt
    return {
        "title": facts["title"],
        "spec": made.spec,
        "folder": str(made.folder),
        "new": made.is_new,
        "languages": facts["presentations"],
        "files": len(facts["files"]),
        "bytes": sum(file["size"] for file in facts["files"].values()),
        "flags": facts["flags"],
    }


def _print(made: Delivered) -> None:
    facts = as_object(made)
    said = "" if made.is_new else "  (nothing has changed: it lay there, whole)"
    _out.print(f"[bold]{made.folder}[/bold]{said}", soft_wrap=True, highlight=False)
    for language, names in facts["languages"].items():
        _out.print(f"    {language}  {', '.join(names.values())}", soft_wrap=True, highlight=False)
    for flag in made.flags:
        _out.print(f"    {flag.severity}  {flag.where}: {flag.what}", soft_wrap=True, highlight=False)
    _out.print(f"{counted(facts['files'], 'file')}, {facts['bytes'] / 1e6:.1f} MB", highlight=False)


def _print_verified(place: Path, found: Verified, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"folder": str(place), "files": found.files, "bytes": found.size, "others": found.others}))
        return
    others = f"; {found.others} others lie there" if found.others else ""
    are = "file is as it was" if found.files == 1 else "files are as they were"
    _out.print(f"{found.files} {are} delivered{others}", highlight=False)


def watch(
    inbox: Annotated[Path, typer.Argument(help="The folder in which films arrive.")],
    *,
    batch: Annotated[Path, typer.Option(help="What to make of each: languages, pipeline, consent, out, deliver.")],
    once: Annotated[bool, typer.Option("--once", help="Do what lies there, and end.")] = False,
    settle: Annotated[float, typer.Option(help="Seconds in which a file must not change.", min=0.0)] = 30.0,
    as_json: AsJson = False,
    offline: Annotated[bool, typer.Option("--offline", help="Never open a connection.")] = False,
    slots: Annotated[int | None, typer.Option(help="Workers at once (default: one per processor).", min=1)] = None,
) -> None:
    """Localize each film that arrives in a folder, once, until stopped."""
    from dubsync import watch as watching

    def saying(what: str) -> None:
        if not as_json:
            _err.print(what, highlight=False, soft_wrap=True)

    with api.local_runner(slots) as runner:
        tools = watching.Tools(runner, saying=saying, offline=offline)
        found = watching.watch(inbox, batch, tools, settle_s=settle, once=once)
    if as_json:
        print(json.dumps(found.as_object()))
    else:
        _print_watched(found)
    if found.is_stopped:
        raise Cancelled("stopped; what was finished is kept", hint="watch again to go on")
    watching.check(found)


def _print_watched(found: Watched) -> None:
    for film in found.films:
        packages = film.get("packages", ())
        what = (
            "; ".join([film["what"], *packages])
            if film["what"]
            else ", ".join([str(found.out / film["place"]), *packages])
        )
        _out.print(f"{film['file']}  {film['state']}  {what}", soft_wrap=True, highlight=False)
    for name in found.arriving:
        _out.print(f"{name}  is still arriving", soft_wrap=True, highlight=False)
