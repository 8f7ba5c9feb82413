# Only random's own test run imports statistics, which brings fractions and decimal.
excludedimports = ["statistics"]
