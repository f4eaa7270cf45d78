"""Names that the workflow knows, whatever the configuration says."""

ORIGINAL = "original"  # the model before any request: a row of tables, not a method
ORIGINAL_LABEL = "Original"  # what tables call it
AGAIN = ", again"  # ends what tables call further trainings of Retrain
MEAN = "mean"  # what the table of claims has in place of a data set and a backbone
RESULTS = "results"  # the folder of all that runs make
RETRAIN = "retrain"  # the method that all others are held against
SOURCE_FILE = "source.json"  # beside a publisher's files: where they came from

# how a protocol splits: each user's rows at random or by time, or all rows at two points in time
AT_RANDOM, TIME_PER_USER, TIME = "random", "time-per-user", "time"
SPLITS = (AT_RANDOM, TIME_PER_USER, TIME)

# how an LLM scores: forms (`cragru.llm.forms`; an encoder answers no prompt), and what its scores are fused with
LISTWISE, LIKELIHOOD, LABELS, ENCODER = "listwise", "likelihood", "labels", "encoder"
FORMS = (LISTWISE, LIKELIHOOD, LABELS, ENCODER)
NO_FUSION, ON_VALIDATION = "none", "validation"
FUSIONS = (NO_FUSION, ON_VALIDATION)
# whose history is looked at: the user's, one that is drawn from the catalogue, or the training rows alone, with the
# candidates of the validation lists
OWN, OTHER, TRAINING = "own", "other", "train"
HISTORIES = (OWN, OTHER, TRAINING)
# controls beside an LLM's rows: its own with candidates in random order, and two that it takes no part in
SHUFFLED, POPULARITY, CONTENT = "shuffled", "popularity", "content"
CONTROLS = (SHUFFLED, POPULARITY, CONTENT)
# orders of the candidates that no LLM takes part in: at random, the backbone's own, controls, and the best there is
RANDOM_ORDER, NO_LLM, BEST_ORDER = "random-order", "no-llm", "best-order"
FUSED_POPULARITY = f"{POPULARITY}-fused"
ORDERS_WITHOUT_LLM = (RANDOM_ORDER, NO_LLM, POPULARITY, FUSED_POPULARITY, CONTENT, BEST_ORDER)
