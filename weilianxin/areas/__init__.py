"""Where things are: district › subdistrict › community › grid, and compound › building › entrance › room.

Also QR plates, locate() and the work calendar. May import journal, channels and lib.
Start reading at `models.py`, then `locate.py`.
"""
