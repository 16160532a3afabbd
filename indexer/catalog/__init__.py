"""The catalog: products, their photos and vectors, as rows. The database is the truth."""
