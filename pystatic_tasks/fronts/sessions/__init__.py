"""The Nox front end, the only package that imports nox: registration.py (which sessions exist) → project_steps.py,
image_steps.py (what they do).
"""
