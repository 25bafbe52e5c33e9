"""Signed consent records: Ed25519 over what a record says, by the package cryptography (extra `sign`).

A signature proves that whoever holds its private key agreed to these very words, and that nobody changed them since.
Whose key it is, it does not prove: that is said by `signers.toml`, which somebody writes who knows.

    schema = "dubsync.signers/1"
    [[signer]]
    name = "Mara Voss"
    key = "..."                     # as `dubsync consent sign` prints it

Where that file is there, only records count that one of its keys has signed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dubsync.errors import ConsentMissing, MissingExtra, UsageError
from dubsync.rights import consent
from dubsync.rights.consent import Grant, Person, Signature, Use

SIGNERS = "signers.toml"
SCHEMA = "dubsync.signers/1"
UNLOCK = "DUBSYNC_KEY_PASSWORD"
"""Environment variable with the password of a private key that has one."""
_WHAT = "dubsync.consent-signature/1"
_MAKE_KEY = "make one with `openssl genpkey -algorithm ed25519 -out key.pem`"


@dataclass(frozen=True, slots=True)
class Records:
    """A title's consent records, whose signatures all fit. `signers`: names by key, None where nobody is named."""

    people: tuple[Person, ...]
    signers: Mapping[str, str] | None = None

    def granted(self, use: Use) -> Grant:
        """Return what the records that count allow for this use."""
        return consent.granted(self.people, use, self._doubt)

    def faces_allowed(self, uses: Sequence[Use]) -> dict[str, bool]:
        """Tell for each speaker whether their face may be learnt (`consent.faces_allowed`)."""
        return consent.faces_allowed(self.people, uses, self._doubt)

    def signed(self, person: Person) -> str:
        """Say in words who signed a record; "" where nobody did."""
        made = person.signature
        if made is None:
            return ""
        if self.signers is None:
            return f'by a key ({fingerprint(made.key)}) whose holder goes by "{made.by}", on {made.on}'
        return f"by {self.signers[made.key]} on {made.on}, key {fingerprint(made.key)}"

    def _doubt(self, person: Person) -> str:
        if self.signers is None:
            return ""
        if person.signature is None:
            return f"nobody signed the record, and {SIGNERS} asks for it"
        key = person.signature.key
        return "" if key in self.signers else f"signed with a key that is not in {SIGNERS} ({fingerprint(key)})"


def read(records: Path, signers: Path) -> Records:
    """Read a title's consent records, and who may sign them; either file may be absent.

    A list of signers that is there and cannot be read, as a link that leads nowhere, is not absent.

    Raises:
        ConsentMissing: a record is not what was signed.
        UsageError: a file does not say clearly what it says.
        MissingExtra: records are signed, and what checks it is not installed.
    """
    people = consent.load(records)
    insist_on(people, records)
    return Records(people, _signers(signers) if os.path.lexists(signers) else None)


def insist_on(people: Sequence[Person], records: Path) -> None:
    """Raise ConsentMissing where a record was changed since it was signed."""
    for person in people:
        made = person.signature
        if made is not None and not fits(person):
            raise ConsentMissing(
                f"{records}: the record of {person.name} ({person.id}) is not what {made.by} signed on {made.on}",
                hint="put it back as it was signed, or have it signed again with `dubsync consent sign`",
            )


def fits(person: Person) -> bool:
    """Tell whether a record's signature was made over what it says now."""
    assert person.signature is not None, "only a signed record has a signature that fits"
    ed25519 = _ed25519()
    from cryptography.exceptions import InvalidSignature

    made = person.signature
    try:
        key = ed25519.Ed25519PublicKey.from_public_bytes(base64.b64decode(made.key, validate=True))
        key.verify(base64.b64decode(made.value, validate=True), _message(person, made))
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def sign(person: Person, key: Path, *, by: str, on: date) -> Person:
    """Return the record with its signature. `key`: a private Ed25519 key, PEM. Raises UsageError where it is none."""
    private = _private_key(key)
    public = base64.b64encode(private.public_key().public_bytes_raw()).decode()
    made = Signature(by, on, public, "")
    value = base64.b64encode(private.sign(_message(person, made))).decode()
    return replace(person, signature=replace(made, value=value))


def fingerprint(key: str) -> str:
    """Return the start of the SHA-256 of a public key, by which people tell keys apart."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def _message(person: Person, made: Signature) -> bytes:
    """Return the bytes that are signed: the record, and what the signer says of themselves."""
    told = {"what": _WHAT, "record": person.facts, "by": made.by, "on": str(made.on), "key": made.key}
    return json.dumps(told, sort_keys=True).encode()


def _ed25519() -> Any:
    if find_spec("cryptography") is None:
        raise MissingExtra("signatures need the package cryptography", hint="pip install 'dubsync[sign]'")
    from cryptography.hazmat.primitives.asymmetric import ed25519

    return ed25519


def _private_key(path: Path) -> Any:
    ed25519 = _ed25519()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    password = os.environ.get(UNLOCK)
    try:
        key = load_pem_private_key(path.read_bytes(), password.encode() if password else None)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", hint=_MAKE_KEY) from error
    except TypeError as error:  # it has a password and none was given, or the other way round
        raise UsageError(f"{path}: {error}", hint=f"its password is read from {UNLOCK}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path}: is no private key, or has another password", hint=_MAKE_KEY) from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise UsageError(f"{path}: is a private key, but not of Ed25519", hint=_MAKE_KEY)
    return key


def _signers(path: Path) -> dict[str, str]:
    """Return names by key."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        what = f"{path}: says who may sign, and cannot be read: {error.strerror}"
        raise UsageError(what, hint="make it readable; to ask for no signatures, take it away") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from error
    if table.get("schema") != SCHEMA:
        raise UsageError(f"{path}: schema is {table.get('schema')!r}, expected {SCHEMA!r}")
    if unknown := set(table) - {"schema", "signer"}:
        raise UsageError(f"{path}: unknown key {min(unknown)!r}", hint="known keys: schema, [[signer]]")
    found, signers = {}, table.get("signer", [])
    if not isinstance(signers, list):
        raise UsageError(f"{path}: signer is no list", hint="say [[signer]], with two brackets, for each")
    for number, signer in enumerate(signers, 1):
        is_whole = isinstance(signer, dict) and set(signer) == {"name", "key"}
        if not (is_whole and all(isinstance(one, str) and one for one in signer.values())):
            raise UsageError(f"{path}: signer {number} must have a name and a key, and nothing else")
        found[signer["key"]] = signer["name"]
    return found
