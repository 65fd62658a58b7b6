"""The residents' frame: home with one's own grid worker, sign-in, one's data, messages, plates, switches, error pages.

It knows cases, people and places, but no programme: what a programme shows here it reaches by name. Entry points:
`urls.py`, `context.frame` (what every page has), `cards.cards` (a case as its reader sees it), `templatetags/wlx.py`.
"""
