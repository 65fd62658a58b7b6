"""What programmes tell this room: their module `insights` is found by name, as their forms are.

It gives `parameters(keys)`, {key: the subdistrict's value as text} of those it has, and `category_names(codes)`,
{code: name} of those it knows.
"""

from importlib import import_module

from django.utils.module_loading import module_has_submodule

from weilianxin.lib.programme import programmes


def _modules():
    for plug in programmes():
        if module_has_submodule(import_module(plug.name), "insights"):
            yield import_module(f"{plug.name}.insights")


def parameters(*keys):
    """{key: value as text} of what the subdistrict decides; what no programme has is missing."""
    found = {}
    for module in _modules():
        found |= module.parameters(keys)
    return found


def category_names(codes):
    """{code: name} in the language of the reader; the code itself where nobody knows it."""
    names = {code: code for code in codes}
    for module in _modules():
        names |= module.category_names(codes)
    return names
