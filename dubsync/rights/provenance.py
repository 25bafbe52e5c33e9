"""C2PA: a signed manifest inside the film that says what was done to it (specification 2.x, MP4 and MOV).

Made and read by the extra `c2pa` (c2pa-python, MIT or Apache-2.0). No timestamp server is asked and no trust list is
fetched: nothing leaves the machine, and whether the signer is somebody to trust is for the reader to decide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dubsync import __version__
from dubsync.documents import beside
from dubsync.errors import UsageError

SUFFIXES = (".mp4", ".mov", ".m4v")
ASSERTION = "org.dubsync.dub"
"""Label of our own assertion: language, engines, consent records, watermark and the source film's digest."""
_SYNTHETIC = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
_MIME = "video/mp4"
_NO_TRUST = {"verify": {"verify_trust": False}}


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done to a film. `made`: "speech", "mouth movements". `engines`: names and versions by kind.

    `consents`: digests of the records it rests on, no names. `mark`: the watermark's identity, if any.
    """

    title: str
    language: str
    source_sha256: str
    made: tuple[str, ...]
    engines: Mapping[str, str]
    consents: tuple[str, ...]
    mark: str | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a film's manifest says. `is_intact`: signature and content fit. `faults`: codes of what does not."""

    is_intact: bool
    issuer: str
    claims: tuple[str, ...]
    is_synthetic: bool
    dub: Mapping[str, Any] | None
    faults: tuple[str, ...]


def is_installed() -> bool:
    """Tell whether the extra is there."""
    return find_spec("c2pa") is not None


def sign(film: Path, out: Path, deed: Deed, certificate: Path, key: Path) -> None:
    """Write a copy of the film with a signed manifest; it appears whole or not at all.

    `certificate`: PEM, the signer's first and those above it; `key`: its private key, PEM. Raises UsageError where
    they cannot be used.
    """
    import c2pa

    signer = _signer(certificate, key)
    try:
        with beside(out) as draft:
            with film.open("rb") as content, draft.open("w+b") as copy:
                c2pa.Builder(json.dumps(_manifest(deed))).sign(signer, _MIME, content, copy)
            draft.replace(out)
    except c2pa.C2paError as error:
        raise _unusable(certificate, error) from error


def insist_on(certificate: Path, key: Path) -> None:
    """Raise UsageError where these cannot be read, or, as far as the extra is there to tell, cannot be signed with."""
    for path in (certificate, key):
        _read(path)
    if is_installed():
        _signer(certificate, key)


def _signer(certificate: Path, key: Path) -> Any:
    import c2pa

    secrets = [_read(path) for path in (certificate, key)]
    try:
        return c2pa.Signer.from_info(c2pa.C2paSignerInfo(_algorithm(secrets[0]), *secrets, None))
    except c2pa.C2paError as error:
        raise _unusable(certificate, error) from error


def _unusable(certificate: Path, error: Exception) -> UsageError:
    return UsageError(
        f"{certificate}: cannot sign with it: {error}",
        hint="a C2PA certificate is X.509 with the use digitalSignature and e-mail protection or document signing, "
        "with a key of ES256, ES384, PS256 or Ed25519; give the whole chain",
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", hint="name a PEM file") from error


def _algorithm(certificate: bytes) -> str:
    """Return C2PA's name of the algorithm that a certificate's key signs with."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    try:
        key = x509.load_pem_x509_certificate(certificate).public_key()
    except ValueError as error:
        raise UsageError(f"the certificate cannot be read: {error}", hint="name a PEM file") from error
    if isinstance(key, ec.EllipticCurvePublicKey):
        return {256: "es256", 384: "es384", 521: "es512"}.get(key.curve.key_size, "es256")
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPublicKey):
        return "ps256"
    raise UsageError("the certificate's kind of key is none that C2PA knows", hint="use P-256, RSA or Ed25519")


def _manifest(deed: Deed) -> dict[str, Any]:
    source = {"title": "source film", "relationship": "parentOf", "instance_id": f"sha256:{deed.source_sha256}"}
    edits = [
        {
            "action": "c2pa.edited",
            "digitalSourceType": _SYNTHETIC,
            "softwareAgent": {"name": "dubsync", "version": __version__},
            "parameters": {"description": f"{what} synthesised in {deed.language}"},
        }
        for what in deed.made
    ]
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["source"]}}
    dub = {
        "language": deed.language,
        "engines": dict(deed.engines),
        "consent_records_sha256": list(deed.consents),
        "watermark": deed.mark,
        "source_sha256": deed.source_sha256,
    }
    return {
        "claim_generator_info": [{"name": "dubsync", "version": __version__}],
        "title": deed.title,
        "ingredients": [{**source, "format": _MIME, "label": "source"}],
        "assertions": [
            {"label": "c2pa.actions", "data": {"actions": [opened, *edits]}},
            {"label": ASSERTION, "data": dub},
        ],
    }


def read(film: Path) -> Manifest | None:
    """Return what the film's manifest says and whether it is intact; None where it has none. Needs the extra.

    One that cannot be read is not intact, and its fault says why.
    """
    import c2pa

    try:
        with film.open("rb") as content:
            reader = c2pa.Reader(_MIME, content, context=c2pa.Context.from_dict(_NO_TRUST))
            found = json.loads(reader.json())
    except c2pa.C2paError.ManifestNotFound:
        return None
    except c2pa.C2paError as error:
        return Manifest(False, "", (), False, None, (f"it cannot be read: {error}",))
    return _told(found)


def _told(found: Mapping[str, Any]) -> Manifest:
    active = found["manifests"][found["active_manifest"]]
    assertions = {each["label"]: each["data"] for each in active.get("assertions", [])}
    actions: Sequence[Mapping[str, Any]] = next(
        (data["actions"] for label, data in assertions.items() if re.fullmatch(r"c2pa\.actions(\.v\d)?", label)), ()
    )
    faults = tuple(each["code"] for each in found.get("validation_status", []))
    return Manifest(
        found.get("validation_state") in ("Valid", "Trusted"),
        active.get("signature_info", {}).get("issuer") or "",
        tuple(text for each in actions if (text := each.get("parameters", {}).get("description"))),
        any("rainedAlgorithmicMedia" in each.get("digitalSourceType", "") for each in actions),
        assertions.get(ASSERTION),
        faults,
    )
