"""What people say in a word or two, and what they say instead in other languages.

A small translation model learns whole sentences; of "Yes!" alone it makes anything. These are ours, for the commonest.
"""

from __future__ import annotations

import re

_TABLE = """
yes            sí             oui              sim
no             no             non              não
okay           de acuerdo     d'accord         tudo bem
ok             de acuerdo     d'accord         tudo bem
maybe          quizás         peut-être        talvez
really         de verdad      vraiment         sério
hello          hola           bonjour          olá
hi             hola           salut            oi
hey            oye            hé               ei
bye            adiós          au revoir        tchau
goodbye        adiós          au revoir        adeus
thanks         gracias        merci            obrigado
thank you      gracias        merci            obrigado
please         por favor      s'il te plaît    por favor
sorry          perdón         pardon           desculpe
sure           claro          bien sûr         claro
of course      por supuesto   bien sûr         claro
great          genial         génial           ótimo
good           bien           bien             bom
perfect        perfecto       parfait          perfeito
congratulations  felicidades  félicitations    parabéns
welcome        bienvenidos    bienvenue        bem-vindos
wait           espera         attends          espere
stop           para           arrête           pare
go             vamos          vas-y            vai
come on        vamos          allez            vamos
run            corre          cours            corre
hurry          date prisa     dépêche-toi      depressa
hurry up       date prisa     dépêche-toi      depressa
careful        cuidado        attention        cuidado
help           ayuda          au secours       socorro
fire           fuego          au feu           fogo
shut up        cállate        tais-toi         cale-se
what           qué            quoi             o quê
who            quién          qui              quem
why            por qué        pourquoi         por quê
where          dónde          où               onde
when           cuándo         quand            quando
how            cómo           comment          como
mom            mamá           maman            mãe
dad            papá           papa             papai
never          nunca          jamais           nunca
now            ahora          maintenant       agora
good night     buenas noches  bonne nuit       boa noite
good morning   buenos días    bonjour          bom dia
"""
_COLUMNS = ("es", "fr", "pt")
_ROWS = [re.split(r"\s{2,}", line.strip()) for line in _TABLE.strip().splitlines()]
_OF = {row[0]: dict(zip(_COLUMNS, row[1:], strict=True)) for row in _ROWS}
_PARTS = re.compile(r"([\w' ]+?)\s*([.!?…]*)")


def phrase(text: str, source: str, target: str) -> str | None:
    """Return what is said for a short English utterance, and its mark; None where the table has nothing.

    >>> phrase("Hurry up!", "en", "fr"), phrase("Hurry is a word.", "en", "fr")
    ('dépêche-toi !', None)
    """
    parts = _PARTS.fullmatch(text.strip())
    if source != "en" or parts is None:
        return None
    said = _OF.get(parts[1].lower().replace("\u2019", "'"), {}).get(target)
    if said is None:
        return None
    gap = " " if target == "fr" and parts[2].startswith(("!", "?")) else ""
    return f"{said}{gap}{parts[2]}"
