"""Why something about people was not done, in a sentence its reader can act upon."""

from django.utils.translation import gettext as _

from weilianxin.lib.refusal import Refused


class TooOften(Refused):
    """Somebody tries too often; waiting helps."""

    status = 429


class WrongCode(Refused):
    """A code, or a name with its password, is not right. The sentence never tells which part."""


class GridWithoutWorker(Refused):
    """A grid would be left with nobody on duty. `grid` is the area."""

    status = 409

    def __init__(self, grid):
        super().__init__(_("这样“%(grid)s”就没有人值守了。请先安排顶岗的人，再来办。") % {"grid": grid.name})
        self.grid = grid
