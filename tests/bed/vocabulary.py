"""The 414 words that the tiny recogniser of data/sample knows; the narration of the bed stays inside them."""

VOCABULARY = frozenset(
    """
a about add after again all also always am an and another apple are around as asleep at away back bad bag bake ball
battery be beach bear beautiful because bed been before below big bird black blue board boat boil book bowl box bread
breakfast bridge bring bus but butter button by cake came camera camp can car carefully carrot cat chair cheese
chicken child children chop city clean click climb climbed climbing close coffee cold come computer cook cooking cool
cover cow cup cut day days degrees did dinner do dog don't door down drink drive dry easy eat egg eggs eight end
evening every eyes family fast feet file find fire first fish five flour flowers folder food for forest fork four
fresh friend friends from fry full garden garlic gave get give glass go going good got great green ground had hair
half hand hands happy hard has have he heat hello help her here high him his hold home horse horses hot hotel hours
house how hundred i i'm if in inside into is island it it's just keep keyboard kilometers kitchen knife know lake last
leave left lemon let let's light like little live long look love low made make man map me message meters milk minutes
mix more morning mountain mouse move music must my name near need never new next night nine no not now number of off
oil old on one onion only open or other our out outside oven over page pan part peel people pepper phone plane plate
play please pot potato potatoes pour press program put rain raining ready really record red rice right river road rock
room run sad said salt sauce save saw say screen sea second seconds see send serve seven sharp she short should show
sit six sky sleep slept slice slow slowly small snow snowy so some soup spoon stand stars start stir stop street sugar
sun table take taste tea tell ten tent thank that the their them then there these they thick thin thing things think
third thirty this three through time times tired to today together tomato tomorrow too took top train travel tree try
turn twenty two type under until up us use valley very video village wait walk walked want warm was wash watch
watching water way we welcome went were wet what when where while white who why will wind window with woman work world
would yellow yes you your zero
""".split()
)

# Every noun of the vocabulary: what the trivial labelling takes for a key word.
NOUNS = frozenset(
    """
apple bag ball battery beach bear bed bird board boat book bowl box bread breakfast bridge bus butter button cake
camera camp car carrot cat chair cheese chicken child children city coffee computer cow day days degrees dinner dog
door egg eggs evening eyes family feet file fire fish flour flowers folder forest fork friend friends garden garlic
glass ground hair hand hands heat home horse horses hotel hours house island keyboard kilometers kitchen knife lake
lemon light man map message meters milk minutes morning mountain mouse music name night number oil onion oven page pan
part people pepper phone plane plate pot potato potatoes program rain rice river road rock room salt sauce screen sea
seconds sky snow soup spoon stars street sugar sun table tea tent times today tomato tomorrow top train tree valley
video village water way wind window woman world
""".split()
)
