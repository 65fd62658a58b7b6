"""The append-only, hash-chained record of every act, with checkpoints and a verifier.

Actors and subjects are opaque references; personal values enter only as salted commitments.
May import channels and lib. Start reading at `log.py`.
"""
