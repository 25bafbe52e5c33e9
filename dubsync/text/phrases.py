"""What people say in a word or two, and what they say instead in other languages.

A small translation model learns whole sentences; of "Yes!" alone it makes anything. These are ours, for the commonest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from dubsync.text.exonyms import exonyms
from dubsync.text.names import FIRST_NAMES, is_no_name

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
come in                       pasa                        entre                         entre
sit down                      siéntate                    assieds-toi                   sente-se
have a seat                   toma asiento                assieds-toi                   sente-se
stand up                      levántate                   lève-toi                      levante-se
get up                        levántate                   lève-toi                      levante-se
wake up                       despierta                   réveille-toi                  acorde
calm down                     cálmate                     calme-toi                     acalme-se
take it easy                  calma                       du calme                      calma
relax                         relájate                    détends-toi                   relaxe
listen                        escucha                     écoute                        escute
look                          mira                        regarde                       olhe
hold on                       espera                      attends                       espere
hold on a second              espera un segundo           attends une seconde           espere um segundo
wait a second                 espera un segundo           attends une seconde           espere um segundo
wait a minute                 espera un momento           attends une minute            espere um minuto
just a second                 un segundo                  une seconde                   um segundo
just a minute                 un momento                  une minute                    um minuto
one moment                    un momento                  un instant                    um momento
watch out                     cuidado                     attention                     cuidado
look out                      cuidado                     attention                     cuidado
behind you                    detrás de ti                derrière toi                  atrás de você
take cover                    cúbrete                     à couvert                     proteja-se
don't move                    no te muevas                ne bouge pas                  não se mexa
nobody move                   que nadie se mueva          que personne ne bouge         ninguém se mexa
don't shoot                   no dispares                 ne tire pas                   não atire
hands up                      manos arriba                haut les mains                mãos ao alto
drop it                       suéltalo                    lâche ça                      largue isso
drop the gun                  suelta el arma              lâche ton arme                largue a arma
drop your weapon              suelta el arma              lâche ton arme                largue a arma
put the gun down              baja el arma                baisse ton arme               abaixe a arma
put down the gun              baja el arma                baisse ton arme               abaixe a arma
let go of me                  suéltame                    lâche-moi                     me solte
leave me alone                déjame en paz               laisse-moi tranquille         me deixe em paz
leave us alone                déjanos en paz              laisse-nous tranquilles       nos deixe em paz
leave him alone               déjalo en paz               laisse-le tranquille          deixe-o em paz
leave her alone               déjala en paz               laisse-la tranquille          deixe-a em paz
go away                       vete                        va-t'en                       vá embora
get out                       fuera                       sors d'ici                    saia daqui
get lost                      lárgate                     fiche le camp                 suma daqui
go to hell                    vete al infierno            va au diable                  vá para o inferno
damn                          maldita sea                 bon sang                      droga
damn it                       maldita sea                 bon sang                      droga
my god                        Dios mío                    mon Dieu                      meu Deus
oh my god                     Dios mío                    oh mon Dieu                   meu Deus
what's wrong                  qué pasa                    qu'est-ce qui ne va pas       o que foi
what's the matter             qué pasa                    qu'est-ce qu'il y a           o que foi
what's wrong with you         qué te pasa                 qu'est-ce qui te prend        o que há com você
what's going on               qué está pasando            qu'est-ce qui se passe        o que está acontecendo
are you okay                  estás bien                  ça va                         você está bem
are you ok                    estás bien                  ça va                         você está bem
are you all right             estás bien                  ça va                         você está bem
are you kidding               estás bromeando             tu plaisantes                 você está brincando
are you kidding me            estás bromeando             tu plaisantes                 você está brincando
you're kidding                estás bromeando             tu plaisantes                 você está brincando
you're kidding me             estás bromeando             tu plaisantes                 você está brincando
you must be kidding           debes estar bromeando       tu plaisantes                 só pode estar brincando
you must be joking            debes estar bromeando       tu plaisantes                 só pode estar brincando
so what                       y qué                       et alors                      e daí
never mind                    no importa                  laisse tomber                 deixa pra lá
forget it                     olvídalo                    oublie ça                     esqueça
no way                        ni hablar                   pas question                  de jeito nenhum
no problem                    no hay problema             pas de problème               sem problema
you're welcome                de nada                     de rien                       de nada
don't worry                   no te preocupes             ne t'inquiète pas             não se preocupe
don't mention it              no hay de qué               il n'y a pas de quoi          não há de quê
take care                     cuídate                     prends soin de toi            se cuida
good luck                     buena suerte                bonne chance                  boa sorte
give me a break               dame un respiro             lâche-moi un peu              me dá um tempo
excuse me                     perdón                      pardon                        com licença
it's up to you                depende de ti               c'est à toi de voir           você decide
none of your business         no es asunto tuyo           ça ne te regarde pas          não é da sua conta
it's none of your business    no es asunto tuyo           ça ne te regarde pas          não é da sua conta
that's none of your business  eso no es asunto tuyo       ça ne te regarde pas          isso não é da sua conta
mind your own business        métete en tus asuntos       mêle-toi de tes affaires      cuide da sua vida
make yourself at home         estás en tu casa            fais comme chez toi           sinta-se em casa
i'm on my way                 voy en camino               j'arrive                      estou a caminho
we're on our way              vamos en camino             on arrive                     estamos a caminho
i'll be right back            ahora vuelvo                je reviens tout de suite      já volto
let's get this over with      acabemos con esto           finissons-en                  vamos acabar logo com isso
i can't take it anymore       ya no aguanto más           je n'en peux plus             eu não aguento mais
i can't take this anymore     ya no aguanto más           je n'en peux plus             eu não aguento mais
we're running out of time     se nos acaba el tiempo      on n'a plus beaucoup de temps  estamos ficando sem tempo
time's up                     se acabó el tiempo          c'est l'heure                 o tempo acabou
enough                        basta                       ça suffit                     chega
that's enough                 ya basta                    ça suffit                     já chega
stop it                       para ya                     arrête ça                     pare com isso
knock it off                  para ya                     arrête ça                     pare com isso
cut it out                    para ya                     arrête ça                     pare com isso
you heard me                  ya me oíste                 tu m'as entendu               você me ouviu
how dare you                  cómo te atreves             comment oses-tu               como se atreve
who's there                   quién anda ahí              qui est là                    quem está aí
i have no idea                no tengo ni idea            je n'en ai aucune idée        não faço ideia
i mean it                     lo digo en serio            je ne plaisante pas           estou falando sério
trust me                      confía en mí                fais-moi confiance            confie em mim
i swear                       lo juro                     je le jure                    eu juro
i swear to god                lo juro por Dios            je le jure devant Dieu        juro por Deus
here we go                    allá vamos                  c'est parti                   lá vamos nós
here you go                   aquí tienes                 tiens                         aqui está
here you are                  aquí tienes                 tiens                         aqui está
let's go                      vamos                       allons-y                      vamos
well done                     bien hecho                  bien joué                     muito bem
good job                      buen trabajo                bon travail                   bom trabalho
not yet                       todavía no                  pas encore                    ainda não
not at all                    en absoluto                 pas du tout                   de modo nenhum
of course not                 claro que no                bien sûr que non              claro que não
me too                        yo también                  moi aussi                     eu também
me neither                    yo tampoco                  moi non plus                  nem eu
why not                       por qué no                  pourquoi pas                  por que não
guess what                    adivina qué                 devine quoi                   adivinhe
long time no see              cuánto tiempo sin verte     ça fait longtemps             há quanto tempo
exactly                       exacto                      exactement                    exatamente
nothing                       nada                        rien                          nada
all right                     está bien                   d'accord                      tudo bem
alright                       está bien                   d'accord                      tudo bem
good evening                  buenas noches               bonsoir                       boa noite
good afternoon                buenas tardes               bonjour                       boa tarde
see you later                 hasta luego                 à plus tard                   até mais
see you tomorrow              hasta mañana                à demain                      até amanhã
happy birthday                feliz cumpleaños            joyeux anniversaire           feliz aniversário
merry christmas               feliz Navidad               joyeux Noël                   feliz Natal
ladies and gentlemen          damas y caballeros          mesdames et messieurs         senhoras e senhores
cheers                        salud                       santé                         saúde
bless you                     salud                       à tes souhaits                saúde
make up your mind             decídete                    décide-toi                    decida-se
it's over                     se acabó                    c'est fini                    acabou
i'm coming                    ya voy                      j'arrive                      já vou
they're getting away          se escapan                  ils s'échappent               estão fugindo
put the knife down            baja el cuchillo            pose ce couteau               abaixe a faca
hang on                       aguanta                     tiens bon                     aguente firme
pull yourself together        contrólate                  ressaisis-toi                 controle-se
cut the crap                  déjate de tonterías         arrête tes conneries          pare com essa besteira
don't mess with me            no te metas conmigo         ne me cherche pas             não mexa comigo
get in                        sube                        monte                         entre
get in the car                sube al coche               monte dans la voiture         entre no carro
do me a favor                 hazme un favor              rends-moi un service          faça-me um favor
don't let me down             no me falles                ne me laisse pas tomber       não me decepcione
what a mess                   qué desastre                quelle pagaille               que bagunça
it was nice meeting you       fue un placer conocerte     c'était un plaisir de te rencontrer  foi um prazer te conhecer
we need to talk               tenemos que hablar          il faut qu'on parle           precisamos conversar
i can't believe it            no me lo puedo creer        je n'arrive pas à y croire    não acredito
you bastard                   desgraciado                 espèce de salaud              seu desgraçado
son of a bitch                hijo de puta                fils de pute                  filho da puta
you son of a bitch            hijo de puta                espèce de fils de pute        seu filho da puta
"""
_CALLED_ROWS = """
sir                           señor                       monsieur                      senhor
man                           hombre                      mon vieux                     cara
guys                          chicos                      les gars                      pessoal
boys                          muchachos                   les gars                      rapazes
gentlemen                     caballeros                  messieurs                     senhores
my friend                     amigo                       mon ami                       meu amigo
mom                           mamá                        maman                         mãe
mum                           mamá                        maman                         mãe
mother                        madre                       mère                          mãe
dad                           papá                        papa                          pai
father                        padre                       père                          pai
captain                       capitán                     capitaine                     capitão
doctor                        doctor                      docteur                       doutor
son                           hijo                        fils                          filho
kid                           chico                       petit                         garoto
you bastard                   desgraciado                 espèce de salaud              seu desgraçado
you idiot                     idiota                      espèce d'idiot                seu idiota
you fool                      tonto                       imbécile                      seu tolo
you son of a bitch            hijo de puta                espèce de fils de pute        seu filho da puta
"""
_COLUMNS = ("es", "fr", "pt")


def _table(text: str) -> dict[str, dict[str, str]]:
    rows = [re.split(r"\s{2,}", line.strip()) for line in text.strip().splitlines()]
    return {row[0]: dict(zip(_COLUMNS, row[1:], strict=True)) for row in rows}


_OF, _CALLED = _table(_TABLE), _table(_CALLED_ROWS)
"""Phrases, and how people are called after them."""
_PARTS = re.compile(r"(?P<said>[\w' ]+?)(?:, (?P<whom>[\w' -]+?))?\s*(?P<mark>[.!?…,]*)")
_OPENING = re.compile(r"(?P<said>[\w']+(?: [\w']+)+), (?P<rest>\S+ .*)")
_ADDRESSED = re.compile(r"(?P<body>.*\w), (?P<whom>[\w' ]+?)(?P<mark>[.!?…]*)")
_END = re.compile(r"\s*[.!?…]*$")
_SHORT = (
    (re.compile(r"\b(what|who|it|that|time) is\b"), r"\1's"),
    (re.compile(r"\b(you|we|they) are\b"), r"\1're"),
    (re.compile(r"\bi am\b"), "i'm"),
    (re.compile(r"\bdo not\b"), "don't"),
    (re.compile(r"\bcannot\b"), "can't"),
    (re.compile(r"\bany more\b"), "anymore"),
)


def phrase(text: str, source: str, target: str) -> str | None:
    """Return what is said for a short English utterance, and its mark; None where the table has nothing.

    >>> phrase("Hurry up!", "en", "fr"), phrase("Hurry is a word.", "en", "fr")
    ('dépêche-toi !', None)
    >>> phrase("What is wrong, Tom?", "en", "es"), phrase("Take it easy, man.", "en", "fr")
    ('qué pasa, Tom?', 'du calme, mon vieux.')
    """
    parts = _PARTS.fullmatch(text.strip().replace("\u2019", "'"))
    if source != "en" or parts is None:
        return None
    said, whom = _said(parts["said"], target), _whom(parts["whom"], target, is_long=" " in parts["said"])
    if said is None or whom is None:
        return None
    gap = " " if target == "fr" and parts["mark"].startswith(("!", "?")) else ""
    return f"{said}{whom}{gap}{parts['mark']}"


def cut(text: str, source: str, target: str) -> tuple[str, ...]:
    """Part a sentence after a phrase that it begins with; small models make one wrong whole of the two.

    >>> cut("Calm down, it's only me.", "en", "es"), cut("After dinner, we left.", "en", "es")
    (('Calm down,', "it's only me."), ('After dinner, we left.',))
    """
    found = _OPENING.fullmatch(text)
    is_known = source == "en" and found is not None and _said(found["said"], target) is not None
    if found is None or not is_known or phrase(text, source, target):
        return (text,)
    return f"{found['said']},", found["rest"]


def addressed(text: str, source: str, target: str) -> tuple[str, str]:
    """Return an English sentence without whom it is said to at its end, and what they are called; "" for nobody.

    >>> addressed("I will kill you, you bastard!", "en", "pt"), addressed("I know, Tom.", "en", "pt")
    (('I will kill you!', 'seu desgraçado'), ('I know, Tom.', ''))
    """
    found = _ADDRESSED.fullmatch(text)
    called = _CALLED.get(found["whom"].lower(), {}).get(target) if found and source == "en" else None
    return (f"{found['body']}{found['mark']}", called) if found and called else (text, "")


def calling(text: str, called: str) -> str:
    """Put before the closing mark of a sentence what somebody is called.

    >>> calling("Je vais te tuer !", "espèce de salaud"), calling("Sim.", "")
    ('Je vais te tuer, espèce de salaud !', 'Sim.')
    """
    return _END.sub(lambda mark: f", {called}{mark[0]}", text, count=1) if called else text


def run_on(parts: Sequence[str], made: Sequence[str]) -> str:
    """Join what parts became; what has no capital in the source goes on without, and "I" after an opening phrase.

    >>> run_on(["Calm down,", "I am here."], ["Cálmate,", "Estoy aquí."])
    'Cálmate, estoy aquí.'
    """
    joined = made[0] if made else ""
    for (before, part), text in zip(pairwise(parts), made[1:], strict=True):
        goes_on = part[0].islower() or (before.endswith(",") and re.match(r"I\b", part))
        at = next((index for index, letter in enumerate(text) if letter.isalpha()), 0) if goes_on else 0
        joined += f" {text[:at]}{text[at : at + 1].lower() if goes_on else text[:1]}{text[at + 1 :]}"
    return joined


def _said(text: str, target: str) -> str | None:
    key = text.lower().replace("\u2019", "'")
    for pattern, short in _SHORT:
        key = pattern.sub(short, key)
    return _OF.get(key, {}).get(target)


def _is_word(called: str, target: str) -> bool:
    return is_no_name(called) or called in exonyms(target)


def _whom(called: str | None, target: str, *, is_long: bool) -> str | None:
    """Return comma and name of whom a phrase is said to; "" for nobody, None where that is not known.

    After a single word only a common name is taken for one: "No, London." answers a question.
    """
    if not called:
        return ""
    known = _CALLED.get(called.lower(), {}).get(target)
    is_name = called in FIRST_NAMES or (
        is_long and called[0].isupper() and called.isalpha() and not _is_word(called, target)
    )
    return f", {known or called}" if known or is_name else None
