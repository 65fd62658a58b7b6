"""What tests stand on: the environment, a throw-away PostgreSQL, the small world."""
