"""A stand-in for resemble-perth, which is None where it could not be loaded."""

import os

PerthImplicitWatermarker = None if os.environ.get("STAND_WITHOUT_PERTH") else object
