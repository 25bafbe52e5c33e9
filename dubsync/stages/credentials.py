"""credentials: the film with a signed C2PA manifest, where somebody names a certificate to sign with.

A stage of its own behind `render`: a record of consent that changes signs the film anew, and makes no picture anew.
Signatures hold a random number, so two signings differ; what is in the store is signed once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.errors import Flag, Severity, UsageError
from dubsync.rights import provenance

_ENGINES = ("asr", "mt", "voice", "mouth")


@dataclass(frozen=True, slots=True)
class CredentialsParams:
    """`certificate`: PEM file, the signer's and those above it. `key`: PEM file of its private key. Empty: no manifest.

    `key` is named by its path; the key itself gets into no product, log or digest.
    """

    certificate: str = ""
    key: str = ""

    def check(self) -> None:
        """Raise UsageError where the film could not be signed once it is made."""
        if bool(self.certificate) != bool(self.key):
            hint = "a manifest is signed with both: --set credentials.certificate=FILE --set credentials.key=FILE"
            raise UsageError("only one of credentials.certificate and credentials.key is named", hint=hint)
        if self.certificate:
            provenance.insist_on(Path(self.certificate), Path(self.key))


@stage(
    over=Axis.LANGUAGE,
    needs=("source", "rights", "mix", "render"),
    params=CredentialsParams,
    backends=_ENGINES,
    version=1,
)
def credentials(unit: Unit, made: Made, ctx: Context, params: CredentialsParams) -> Mapping[str, Any]:
    """Write the film with its manifest, and return its name and what the manifest says; both null without one."""
    rendered = made.one("render")
    video = rendered.file(rendered.value["video"])
    if why := _why_not(video, rendered.value["synthetic"], params):
        return {"video": None, "c2pa": None, "why_not": why}
    if not provenance.is_installed():
        what = "the film has no C2PA manifest although a certificate is named: c2pa-python is not installed"
        ctx.flag(Flag(Severity.WARNING, "not-signed", "rights.c2pa", what, "pip install 'dubsync[c2pa]'"))
        return {"video": None, "c2pa": None, "why_not": "c2pa-python is not installed"}
    provenance.sign(video, ctx.out / video.name, _deed(unit, made, ctx), Path(params.certificate), Path(params.key))
    found = provenance.read(ctx.out / video.name)
    assert found is not None, "what was signed has a manifest"
    told = {"intact": found.is_intact, "issuer": found.issuer, "claims": list(found.claims)}
    return {"video": video.name, "c2pa": told, "why_not": ""}


def _why_not(video: Path, synthetic: list[str], params: CredentialsParams) -> str:
    if not synthetic:
        return "nothing in the film is synthetic"
    if not (params.certificate and params.key):
        return "no certificate was named to sign with: --set credentials.certificate=FILE --set credentials.key=FILE"
    return "" if video.suffix in provenance.SUFFIXES else f"{video.suffix} files hold no C2PA manifest; MP4 does"


def _deed(unit: Unit, made: Made, ctx: Context) -> provenance.Deed:
    records = [digest for row in made.one("rights").value["consent"] for digest in row["digests"]]
    mark = made.one("mix").value["mark"]
    return provenance.Deed(
        title=f"{ctx.film.stem}.{unit.language}",
        language=unit.language or "",
        source_sha256=made.one("source").value["sha256"],
        made=tuple(made.one("render").value["synthetic"]),
        engines={kind: f"{each.name} {each.version}" for kind, each in ctx.capabilities.items() if kind in _ENGINES},
        consents=tuple(dict.fromkeys(records)),
        mark=mark and mark["id"],
    )


def finished(made: Made) -> Path:
    """Return the film that is handed over: the signed one where there is one, else the rendered."""
    if made.has("credentials") and (name := made.one("credentials").value["video"]):
        return made.one("credentials").file(name)
    rendered = made.one("render")
    return rendered.file(rendered.value["video"])
