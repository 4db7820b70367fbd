"""What a test has opened, for the end of the test to close."""

import contextlib

#: Closed after every test by an autouse fixture of conftest.py. Python 3.13 fails the test
#: that runs while the garbage collector finds an open database (ResourceWarning).
opened = contextlib.ExitStack()
