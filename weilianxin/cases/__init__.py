"""ENGINE: somebody owes somebody an answer by a date.

Owns number, reporter, area, holder, moves, deadlines, timeline, tasks of handlers, files, visibility.
Never names a programme; reaches it through lib.programme. May import notify and below.
Start reading at `flow.py`, then `engine.py`.
"""
