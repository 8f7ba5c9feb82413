# For types only; the implementations that the settings lead to are named.
excludedimports = ["uvicorn.protocols"]
