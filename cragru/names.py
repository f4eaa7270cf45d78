"""Names that the workflow itself knows, whatever the configuration says."""

ORIGINAL = "original"  # the model before any request: a row of tables, not a method
ORIGINAL_LABEL = "Original"  # what tables call it
MEAN = "mean"  # what the table of claims has in place of a data set and a backbone
RETRAIN = "retrain"  # the method that all others are held against
