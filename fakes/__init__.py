"""Platforms of others, faithful enough to be proven against.

Nothing here knows Weilianxin, which starts it only for its demo: a mistake that both made in the same way would
never be found.
"""
