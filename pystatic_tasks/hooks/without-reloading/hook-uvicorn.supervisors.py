# uvicorn does with what is left where the package watchfiles is not installed.
excludedimports = ["uvicorn.supervisors.watchfilesreload"]
