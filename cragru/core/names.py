"""Names that the workflow knows, whatever the configuration says."""

ORIGINAL = "original"  # the model before any request: a row of tables, not a method
ORIGINAL_LABEL = "Original"  # what tables call it
AGAIN = ", again"  # ends what tables call further trainings of Retrain
MEAN = "mean"  # what the table of claims has in place of a data set and a backbone
RESULTS = "results"  # the folder of all that runs make
RETRAIN = "retrain"  # the method that all others are held against
SOURCE_FILE = "source.json"  # beside a publisher's files: where they came from
