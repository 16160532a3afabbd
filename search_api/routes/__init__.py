"""One file a resource; each builds its router and declares the scope every route needs."""
