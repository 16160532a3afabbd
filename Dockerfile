FROM python:3.11-slim

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONUNBUFFERED=1 \
    GARB_HOME=/var/lib/garb

WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY segmentation segmentation
COPY indexer indexer
COPY search_api search_api
COPY wardrobe wardrobe
COPY migrations migrations

RUN pip install '.[cpu,clip,parquet,postgres]'

RUN useradd --system --create-home --home-dir /var/lib/garb garb

USER garb
WORKDIR /var/lib/garb
VOLUME /var/lib/garb
EXPOSE 8000

HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]

CMD ["garb", "serve", "--host", "0.0.0.0", "--port", "8000"]
