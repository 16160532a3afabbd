"""HTTP only: the routes, their keys, limits and errors, and the page."""
