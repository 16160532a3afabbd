"""Photos that lie elsewhere: fetched by http(s) or from an object store, never from a private place."""
