"""The web desk: the actions of `distributor.desk` as pages."""
