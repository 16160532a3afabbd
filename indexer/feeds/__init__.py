"""Feeds: files of products, one reader a format, all giving the same records."""
