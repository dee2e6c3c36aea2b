"""Passages of several languages, and how many tokens real tokenizers make of them.

They are of none of the texts that the weights were fitted to.
"""

from typing import Final, NamedTuple


class Passage(NamedTuple):
    """``o200k`` and ``cl100k`` are what OpenAI's encodings of these names count."""

    text: str
    o200k: int
    cl100k: int


PASSAGES: Final = {
    "English": Passage(
        "The night batch ran out of quota at three in the morning, and nobody noticed before the "
        "first customers complained. Since then every service asks before it sends: it waits for "
        "its turn, and it knows what is left of the day's budget.",
        48,
        49,
    ),
    "Japanese": Passage(
        "夜間バッチが午前三時にクォータを使い切り、最初のお客様から苦情が来るまで誰も気づきませんでした。"
        "それ以来、すべてのサービスは送信する前に確認し、順番を待ち、その日の予算の残りを把握しています。",
        70,
        104,
    ),
    "Chinese": Passage(
        "夜间批处理在凌晨三点用完了配额，直到第一批客户投诉之前都没有人注意到。"
        "从那以后，每个服务在发送之前都会先询问，排队等候，并且知道当天的预算还剩多少。",
        53,
        78,
    ),
    "Korean": Passage(
        "야간 배치 작업이 새벽 세 시에 할당량을 모두 소진했지만, 첫 고객의 불만이 들어올 때까지 "
        "아무도 알아차리지 못했습니다. 그 이후로 모든 서비스는 보내기 전에 먼저 "
        "확인하고 차례를 기다립니다.",
        57,
        106,
    ),
    "Russian": Passage(
        "Ночная обработка исчерпала квоту в три часа утра, и никто этого не заметил, пока не "
        "пожаловались первые клиенты. С тех пор каждая служба спрашивает, прежде чем отправить "
        "запрос, и ждёт своей очереди.",
        54,
        92,
    ),
    "French": Passage(
        "Le traitement de nuit a épuisé son quota à trois heures du matin, et personne ne s'en est "
        "aperçu avant les premières plaintes. Depuis, chaque service demande avant d'envoyer et "
        "attend son tour.",
        43,
        49,
    ),
    "code": Passage(
        'def wait_s(self, tried: int) -> float:\n    """Seconds to wait after so many tries."""\n'
        "    most = min(self.ceiling_s, self.base_s * self.factor ** (tried - 1))\n"
        '    if most < 0:\n        raise ValueError(f"{most} is no wait")\n'
        "    return most * (1 - self.jitter * random.random())\n",
        78,
        77,
    ),
    "JSON": Passage(
        '{"id": 4711, "name": "Anna", "price": 12.99, "tags": ["new", "sale"], '
        '"at": "2026-11-26T22:10:00Z", "ok": true, "items": [{"sku": "A-100", "count": 3}, '
        '{"sku": "B-220", "count": 12}]}',
        85,
        85,
    ),
}
