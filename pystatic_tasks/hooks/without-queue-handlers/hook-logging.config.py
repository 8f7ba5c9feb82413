# For the queue of a QueueHandler in a configuration.
excludedimports = ["multiprocessing"]
