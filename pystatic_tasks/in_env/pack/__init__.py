"""One static executable from a frozen program."""
