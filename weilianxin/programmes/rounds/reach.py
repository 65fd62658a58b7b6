"""Whose rounds somebody may see: the posts of the grid and its community's secretary, nobody else however high."""

from django.db.models import Q

from weilianxin.cases.access import posts_of
from weilianxin.people.models import Role

OF_GRID = (Role.GRID_WORKER, Role.GRID_WORKER_BACKUP, Role.GRID_LEADER)
READERS = (*OF_GRID, Role.COMMUNITY_SECRETARY)


def place_q(account, at=None):
    """The condition on rows with a `place`; read afresh, so that a post that ended ends its sight."""
    posts = posts_of(account, at)
    grids = [post.area_id for post in posts if post.role in OF_GRID]
    communities = [post.area_id for post in posts if post.role == Role.COMMUNITY_SECRETARY]
    return Q(place__grid__in=grids) | Q(place__grid__community__in=communities)
