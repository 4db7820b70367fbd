"""The text engine of short posts: typed segments, each network's way of counting, and the ladder that makes them fit."""
