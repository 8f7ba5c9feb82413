"""Step four: the image started as it would be deployed, asked, and stopped."""
