"""`python -m search_api` is `garb`."""

from search_api.cli import main

main()
