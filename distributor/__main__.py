"""`python -m distributor`."""

from distributor.cli.main import main

main()
