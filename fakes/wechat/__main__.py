"""`python -m fakes.wechat`: the platform on a port of this machine, until Ctrl-C."""

import argparse
import json
import threading
from pathlib import Path

from . import control, serve


def main():
    parser = argparse.ArgumentParser(prog="python -m fakes.wechat", description=__doc__)
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--seed", type=Path, help="a JSON file as POST /__ctl/seed takes it")
    options = parser.parse_args()
    running = serve(options.port)
    if options.seed:
        control.seed(running.platform, json.loads(options.seed.read_text(encoding="utf-8")))
    app = next(iter(running.platform.apps.values()))
    print(f"{running.url}  appid {app.appid}  secret {app.secret}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        running.stop()


if __name__ == "__main__":
    main()
