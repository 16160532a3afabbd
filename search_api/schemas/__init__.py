"""What the API takes and answers, as OpenAPI publishes it. Tests hold real answers against it."""
