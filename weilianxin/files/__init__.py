"""Photos: checked by content, decoded in a limited child process, re-encoded without metadata, served to whom may see.

May import people and below. Start reading at `intake.py`, then `store.py`.
"""
