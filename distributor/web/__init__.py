"""The web desk: what a person can do, in the browser. Needs the extra `desk`."""
