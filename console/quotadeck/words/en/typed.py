"""What is wrong with what somebody typed."""

from collections.abc import Mapping
from typing import Final

from quotadeck.words.sentence import Sentence

SENTENCES: Final[Mapping[str, Sentence]] = {
    "typed.no_duration": "{typed:quoted} is not a duration such as 90s, 15m, 1h30m or 2d",
    "typed.duration_range": "{typed:quoted} is not between 1s and 31d; a change without end is "
    "permanent",
    "typed.no_end": "{typed:quoted} is not a duration such as 90s, 15m, 1h30m or 2d, nor a time "
    "such as 09:00 or tomorrow 09:00",
    "typed.no_time": "{typed:quoted} is not a time such as 09:00, tomorrow 09:00 or "
    "2026-11-27T09:00",
    "typed.time_range": "{typed:quoted} is not between 1s and 31d from now",
    "typed.no_value": "{typed:quoted} is not a value for {field:name} such as 40, 80k, 1.5M, x2 "
    "or 50%",
    "typed.no_money": "{typed:quoted} is not a value for {field:name} such as 12.50, x2 or 50%",
    "typed.not_whole": "{typed:quoted} is not a whole number, which {field:name} asks for",
    "typed.no_scale": "{typed:quoted} is not a whole percentage between 1% and 100000% (x1000)",
    "typed.no_past": "{typed:quoted} is no time of the past such as -2h, 02:30 or 2026-11-25T23:58",
    "typed.to_come": "{typed:quoted} is yet to come",
    "typed.no_term": "{typed:quoted} is no term; there are {terms}, each with a value",
    "typed.no_id": "{typed:quoted} is no request's id, nor four or more digits of one; the terms "
    "are {terms}",
    "typed.no_cause": "{typed:quoted} is no cause; there are {causes}",
    "typed.no_outcome": "{typed:quoted} is no outcome; there are {outcomes}",
    "money.no_amount": '{typed:quoted} is not an amount of dollars such as "12.50"',
    "money.negative": "{typed:quoted} is not an amount of dollars of zero or more",
    "money.too_much": "{typed:quoted} is more than a billion dollars",
    "money.too_fine": "{typed:quoted} has more than nine decimals",
    "price.no_price": '{typed:quoted} is not a price in dollars per million tokens such as "2.50"',
    "price.range": "{typed:quoted} is not a price between 0 and 1000000 dollars per million",
    "price.no_times": '{typed:quoted} is no factor such as "1.1" with at most four decimals',
    "price.too_fine": "{typed:quoted} has more than six decimals",
}
