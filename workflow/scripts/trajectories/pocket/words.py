"""The words from which the pocket suite's texts and questions are made."""

PEOPLE = (
    "Ann", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gus", "Hal", "Ida", "Jack",
    "Kim", "Leo", "Mia", "Ned", "Olga", "Pia", "Rob", "Sue", "Tom", "Una",
    "Vic", "Walt", "Zoe", "Max", "Nina", "Otto", "Rosa", "Sam", "Tess", "Will",
)  # fmt: skip

TOWNS = (
    "Rome", "Oslo", "Paris", "Cairo", "Lima", "Delhi", "Kyoto", "Quito", "Bern", "Riga", "Malta", "Dublin",
)  # fmt: skip
JOBS = (
    "baker", "doctor", "farmer", "painter", "teacher", "sailor", "pilot", "lawyer", "singer", "tailor", "miner", "cook",
)  # fmt: skip
PETS = ("dog", "cat", "horse", "rabbit", "parrot", "goat", "duck", "snake", "turtle", "mouse", "pony", "crow")
FOODS = ("bread", "rice", "soup", "cheese", "fish", "honey", "beans", "pasta", "corn", "plums", "nuts", "cake")

COLOURS = ("red", "blue", "green", "black", "white", "brown", "pink", "grey", "gold", "purple")
SHAPES = ("circle", "square", "star", "cross", "heart", "moon", "sun", "cloud", "leaf", "arrow")
THINGS = (
    "hat", "cup", "lamp", "book", "key", "coat", "drum", "ring", "boat", "chair", "clock", "kite",
    "spoon", "map", "box", "bell", "rope", "knife", "basket", "mirror", "piano", "ladder", "wheel", "candle",
)  # fmt: skip
LETTERS = ("A", "B", "C", "D", "E", "F", "G", "H", "K", "M", "P", "R", "S", "T")

VERBS = ("sing", "dance", "swim", "cook", "paint", "read", "run", "smile", "sleep", "work", "sew", "climb")
PLACES = (
    "garden", "kitchen", "forest", "market", "park", "street",
    "school", "tower", "valley", "harbour", "cellar", "field",
)  # fmt: skip
CONSONANT_NOUNS = ("pear", "lemon", "banana", "tomato", "potato", "melon", "carrot", "biscuit")
VOWEL_NOUNS = ("apple", "orange", "egg", "onion", "olive", "apricot", "oyster", "almond")

# Sayings everybody knows, as (all but the last word, the last word); the last words all differ.
SAYINGS = (
    ("Absence makes the heart grow", "fonder"),
    ("Actions speak louder than", "words"),
    ("All that glitters is not", "gold"),
    ("A watched pot never", "boils"),
    ("Beauty is in the eye of the", "beholder"),
    ("Better late than", "never"),
    ("Birds of a feather flock", "together"),
    ("Blood is thicker than", "water"),
    ("Don't put all your eggs in one", "basket"),
    ("Every cloud has a silver", "lining"),
    ("Fortune favours the", "brave"),
    ("Good things come to those who", "wait"),
    ("Half a loaf is better than", "none"),
    ("Haste makes", "waste"),
    ("Home is where the heart", "is"),
    ("Honesty is the best", "policy"),
    ("If the cap fits, wear", "it"),
    ("Ignorance is", "bliss"),
    ("It is no use crying over spilt", "milk"),
    ("Knowledge is", "power"),
    ("Laughter is the best", "medicine"),
    ("Let sleeping dogs", "lie"),
    ("Look before you", "leap"),
    ("Many hands make light", "work"),
    ("Money does not grow on", "trees"),
    ("Necessity is the mother of", "invention"),
    ("No man is an", "island"),
    ("No news is good", "news"),
    ("Once bitten, twice", "shy"),
    ("Out of sight, out of", "mind"),
    ("People in glass houses should not throw", "stones"),
    ("Practice makes", "perfect"),
    ("Rome was not built in a", "day"),
    ("Still waters run", "deep"),
    ("Strike while the iron is", "hot"),
    ("The apple does not fall far from the", "tree"),
    ("The early bird catches the", "worm"),
    ("The end justifies the", "means"),
    ("The grass is always greener on the other", "side"),
    ("The pen is mightier than the", "sword"),
    ("The proof of the pudding is in the", "eating"),
    ("There is no place like", "home"),
    ("There is no smoke without", "fire"),
    ("Time heals all", "wounds"),
    ("Too many cooks spoil the", "broth"),
    ("Two wrongs do not make a", "right"),
    ("Variety is the spice of", "life"),
    ("When the cat is away, the mice will", "play"),
    ("When in Rome, do as the Romans", "do"),
    ("You cannot teach an old dog new", "tricks"),
)
