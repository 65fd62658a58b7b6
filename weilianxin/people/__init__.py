"""Who people are: accounts, dwellings, consent, posts held in an area for a time, absence, outside units, sign-in.

Identity lives here and nowhere else, masked by default. May import areas and below.
Start reading at `models.py`, then `posts.py`.
"""
