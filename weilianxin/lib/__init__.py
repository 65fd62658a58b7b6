"""What every room may use and what knows nothing of them: the plug, clock, numbers, masks, datum, edge validation.

No models here. May import nothing of ours. Start reading at `programme.py` and `clock.py`.
"""
