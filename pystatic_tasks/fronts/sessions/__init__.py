"""The Nox front, the only package that imports nox: registration.py (which sessions there are) → project_steps.py,
image_steps.py (what they do when they run).
"""
