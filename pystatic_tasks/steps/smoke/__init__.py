"""Step four: starts the image as it would be deployed, sends it requests, and stops it."""
