"""`python -m distributor`."""

from distributor.cli.start import main

main()
