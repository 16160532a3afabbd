"""The same databases as the indexer's tests."""

from tests.indexer.conftest import catalog_url, empty_database_url, postgres_server_url

__all__ = ["catalog_url", "empty_database_url", "postgres_server_url"]
