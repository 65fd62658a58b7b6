"""The frame of staff: what waits for me, one case, the dispatcher's queue, the state of grids, and outside handlers."""
