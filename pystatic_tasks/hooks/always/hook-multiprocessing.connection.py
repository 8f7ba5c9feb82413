# Only its XML-RPC listener and client, which nothing else in multiprocessing uses, import xmlrpc.
excludedimports = ["xmlrpc"]
