"""Weilianxin 微连心: a subdistrict serves its residents; one owner, one deadline, one public truth per request."""

__version__ = "0.1.0"
