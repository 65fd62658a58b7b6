"""Loaded before anything else of a test run (see `addopts` in pyproject.toml).

A test run never reads the settings of the shell it was started from, except where its data may lie
(WEILIANXIN_DATA) and which database it shall use (DATABASE_URL); without the first it makes a folder
of its own and removes it at the end.
"""

import atexit
import os
import shutil
import tempfile

KEPT = {"WEILIANXIN_DATA", "WEILIANXIN_CHROMIUM", "WEILIANXIN_LOG"}

for name in [name for name in os.environ if name.startswith("WEILIANXIN_") and name not in KEPT]:
    del os.environ[name]

if "WEILIANXIN_DATA" not in os.environ:
    folder = tempfile.mkdtemp(prefix="weilianxin-test-")
    os.environ["WEILIANXIN_DATA"] = folder  # the workers of pytest-xdist inherit it
    atexit.register(shutil.rmtree, folder, True)

os.environ.setdefault("WEILIANXIN_LOG", "WARNING")
# Playwright's loop runs in the test's own thread, where Django would refuse to reach the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
