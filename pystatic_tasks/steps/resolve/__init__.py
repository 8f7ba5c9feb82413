"""YAML in which images are named, made into YAML that a cluster understands."""
