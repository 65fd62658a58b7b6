"""我要报事: a resident reports, their own grid worker answers, the resident has the last word.

Categories, routing, screening, the flow table, drafts and the thread with one's own worker.
Start reading at `flow.py` (what may follow what), then `routing.py` and `intake.py`.
"""
