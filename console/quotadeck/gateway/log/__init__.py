"""The gateway's log: what starts, ends, is refused, fails and alarms, as lines on standard error.

No line holds anything of a request's or a reply's body, not even in an error's own words.
"""
