"""likeness: whose face may be learnt at all, before anything is learnt from it."""

from __future__ import annotations

from datetime import date

from dubsync.engine.stage import Axis, Context, Made, Unit, stage
from dubsync.rights import consent, signature
from dubsync.rights.signature import SIGNERS
from dubsync.stages.rights import RECORDS


@stage(over=Axis.TITLE, version=1, needs=("speakers",), reads=(RECORDS,), may_read=(SIGNERS,), always=True)
def likeness(unit: Unit, made: Made, ctx: Context, params: None) -> dict[str, object]:
    """Return for each speaker whether some record allows the face today; asked each time, as records end."""
    records = signature.read(ctx.human(RECORDS), ctx.human(SIGNERS))
    uses = [
        consent.Use(speaker["id"], speaker["name"], title=ctx.film.stem, language="", day=date.today())
        for speaker in made.one("speakers").value["speakers"]
    ]
    return {"faces": records.faces_allowed(uses)}
