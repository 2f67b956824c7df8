"""`python -m engine` is `trailbell`."""

from engine.cli import main

main()
