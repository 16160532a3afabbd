"""The same databases as the indexer's tests."""

from tests.indexer.conftest import empty_database_url, postgres_server_url

__all__ = ["empty_database_url", "postgres_server_url"]
