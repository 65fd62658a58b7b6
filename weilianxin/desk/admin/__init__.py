"""The administrator's and the auditor's pages: setting an installation up, and looking into the journal.

Start reading at `frame.py`; `urls.py` says which page is where.
"""
