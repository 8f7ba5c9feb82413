"""HTTP requests within limits."""
