"""What programmes tell this room: their module `insights` is found by name, as their forms are.

It may give `parameter(key)`, the subdistrict's value as text, and `category_names(codes)`, {code: name}.
"""

from importlib import import_module

from django.utils.module_loading import module_has_submodule

from weilianxin.lib.programme import programmes


def _modules():
    for plug in programmes():
        if module_has_submodule(import_module(plug.name), "insights"):
            yield import_module(f"{plug.name}.insights")


def parameter(key):
    """A value that the subdistrict decides, as text; LookupError where no programme has it."""
    for module in _modules():
        value = module.parameter(key)
        if value is not None:
            return value
    raise LookupError(key)


def category_names(codes):
    """{code: name} of categories, in the language of the reader; the code itself for one that nobody knows."""
    names = {code: code for code in codes}
    for module in _modules():
        names |= module.category_names(codes)
    return names
