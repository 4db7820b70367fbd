"""The desk in a browser: the same actions as the command line, with people, roles and pages."""
