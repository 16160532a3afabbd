"""Garments → vectors → matches: the catalog, its feeds, the index over it and the search."""
