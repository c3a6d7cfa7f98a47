# ruff: noqa
# mypy: ignore-errors
"""Vocabulary, sentence templates (training text) and held-out sentences.

Everything here was written for this fixture.  The templates make the text of
the language model and half of the acoustic training text; the other half is
random word sequences.  HELDOUT is used for measuring only: `training_text`
never yields one of its sentences.
"""
import random

CLASSES = {
    # noun phrases -------------------------------------------------------
    "FOOD": "onion tomato potato carrot lemon apple egg cake bread cheese chicken fish soup sauce garlic".split(),
    "STUFF": "water oil butter salt pepper sugar flour milk rice tea coffee".split(),
    "TOOL": "knife pan pot bowl plate spoon fork board oven table kitchen".split(),
    "PLACE": "mountain road river lake forest beach sea city street house hotel island bridge valley village room garden camp top".split(),
    "RIDE": "train car bus plane boat".split(),
    "THING": "map bag tent fire bed door chair tree box light book ball".split(),
    "TECH": "computer phone screen camera video button file folder page keyboard mouse message window battery program".split(),
    "ANIMAL": "cat dog bird horse cow bear".split(),
    "PERSON": "man woman friend family child".split(),
    "PEOPLE": "people children friends we they you".split(),
    "PRO": "i you we they".split(),
    "PRO3": "he she it".split(),
    "DET": "the the the the a a this that my your our some another".split(),
    "NUM": "one two three four five six seven eight nine ten twenty thirty".split(),
    "DIGIT": "zero one two three four five six seven eight nine".split(),
    "UNIT": "minutes hours seconds degrees meters days times".split(),
    "ADJ": "happy sad tired cold hot warm big small new old good bad beautiful fast slow long short fresh clean dry wet easy hard ready great little".split(),
    "COLOR": "red green blue white black yellow".split(),
    "ADV": "slowly carefully together again now then here there today tomorrow away".split(),
    # verbs ----------------------------------------------------------------
    "COOK": "cut chop slice peel add stir mix pour boil fry cook bake wash heat taste serve put take".split(),
    "GOV": "go walk climb run drive travel come move".split(),
    "PASTGO": "went walked climbed came".split(),
    "DOV": "see find take make get use show bring hold keep leave watch like love want need".split(),
    "TECHV": "click press open close save send type record play stop start use".split(),
    "LIFE": "sleep eat drink sit stand wait help work live".split(),
    "MODAL": "can will would must should".split(),
    "BE": "is was".split(),
    "BEP": "are were".split(),
    "PREP": "in on into over under with from to at by around through near".split(),
    "TIME": "morning evening night day".split(),
    "WEATHER": "snow rain wind sun sky".split(),
    "CONJ": "and but so because when while until if".split(),
    "SEQ": "now then first next".split(),
}

TEMPLATES = """
SEQ we COOK the FOOD
SEQ COOK the FOOD and the FOOD
SEQ COOK the FOOD into the TOOL
SEQ you COOK the FOOD with a TOOL
COOK the FOOD in the TOOL for NUM minutes
COOK a little STUFF and some STUFF
add the STUFF and stir slowly
add some STUFF to the FOOD and mix it
put the FOOD on the TOOL and COOK it
put the FOOD in the oven at NUM hundred degrees
take the FOOD out of the TOOL
take a TOOL and COOK the FOOD
turn the heat down and wait for NUM minutes
turn on the TECH and TECHV the TECH
cover the TOOL and let it cook for NUM UNIT
let's COOK the FOOD and the STUFF
let's GOV to the PLACE
let's see the PLACE from the RIDE
we are going to COOK the FOOD
we are going to the PLACE by RIDE
i am going to show you the ADJ TECH
today we will COOK a FOOD
today i will show you how to COOK the FOOD
today i will show you how to TECHV a TECH
the FOOD BE very ADJ
the STUFF BE ADJ and the FOOD BE ADJ
the PLACE BE very ADJ in the TIME
the PLACE BE ADJ and COLOR
the ANIMAL BE ADJ and COLOR
the COLOR ANIMAL BE on the THING
the ADJ ANIMAL BE in the PLACE
the ANIMAL and the ANIMAL BEP in the PLACE
a ANIMAL BE under the THING
there is a ANIMAL in the PLACE
there is a ADJ PLACE near the PLACE
there are NUM people on the RIDE
there are NUM ADJ people in the PLACE
we GOV up the mountain in the snow
we GOV down the road to the PLACE
we PASTGO through the PLACE and over the PLACE
PRO PASTGO to the PLACE in the TIME
PRO3 PASTGO up the PLACE with PRO3
PRO GOV to the PLACE by RIDE
the WEATHER BE ADJ and the WEATHER BE ADJ
the WEATHER is on the PLACE
there is WEATHER on the mountain
in the TIME we GOV to the PLACE
in the TIME the WEATHER BE ADJ
after NUM hours we came to a ADJ PLACE
before we LIFE we make a THING
it is ADJ and very ADJ here
it is too ADJ to LIFE
it was a ADJ day
it was ADJ and we were ADJ
PRO BEP very ADJ today
PRO BEP ADJ CONJ PRO BEP ADJ
the PERSON BE ADJ
the PERSON BE in the PLACE with the ANIMAL
my PERSON BE in the PLACE
my PERSON and i LIFE in the PLACE
PRO LIFE in the THING
PRO want to LIFE
PRO want to GOV to the PLACE
PRO MODAL GOV to the PLACE tomorrow
PRO MODAL DOV the TECH
PRO MODAL LIFE here
PRO do not DOV the THING
PRO don't want to LIFE
PRO need a ADJ THING
PRO need NUM FOOD and a TOOL
PRO have a ADJ ANIMAL
PRO have NUM THING and a THING
PRO3 has a COLOR THING
PRO3 had a ADJ TECH
PRO like the COLOR THING
PRO love this PLACE
look at the ADJ PLACE
look at the COLOR ANIMAL
look at DET THING
open the TECH and click the button
click on the COLOR button and TECHV the file
press the button to TECHV the TECH
TECHV the TECH and TECHV the TECH
TECHV the ADJ TECH
type your name and press the button
the TECH on the TECH is ADJ
the TECH is not ready
save the file in a new folder
send a message to my PERSON
send the video to your PERSON
the number is DIGIT DIGIT DIGIT DIGIT
DIGIT DIGIT DIGIT DIGIT DIGIT
NUM UNIT
it is NUM hundred meters to the PLACE
it is NUM degrees in the PLACE
you can see the PLACE and the PLACE
you can TECHV the TECH here
if you LIFE you MODAL LIFE
if you want to LIFE PREP the PLACE
when the FOOD is ADJ COOK it
when the STUFF is hot add the FOOD
when the TECH is ready TECHV the TECH
while the STUFF is hot COOK the FOOD
what is this
what do you think
where is the THING
where are the PEOPLE
how do you COOK a FOOD
how long do we have to wait
this is a ADJ THING
this is how you COOK the FOOD
that is a very ADJ TECH
that was the last THING
these are my friends
thank you for watching
hello and welcome to my kitchen
hello my name is
welcome to the PLACE
please TECHV the TECH
please help me with the THING
it's time to LIFE
it's a ADJ TIME
i'm ADJ and ADJ
i'm going to LIFE now
DET THING PREP the PLACE
the THING PREP DET TOOL
the PERSON PREP the RIDE
one more time
every TIME we LIFE together
all the children are happy
the ANIMAL MODAL LIFE
he said yes and she said no
the first THING and the next THING
one of the PEOPLE was ADJ
we have to DOV the THING
""".strip().splitlines()

# Held out: never synthesised for training, never counted in the language model.
HELDOUT = """
now we cut the onion with a sharp knife
then pour the hot water into the pot
the white cat was asleep under the table
we climbed the mountain in the cold snow
put two eggs and some butter into the bowl
i want to show you my new camera
the bus came down the long road to the village
she went to bed because she was very tired
press the red button and wait for ten seconds
you can see the sea from the top of the mountain
add the garlic and fry it until it is yellow
the little bird is on the green tree
my friend has a black dog and two horses
stir the soup slowly and then taste it
in the evening we made a fire near the lake
open the window because it is too hot in here
the children are happy when they see the snow
save the file and send it to your friend
first wash the potato and then peel it
it was raining so we took the train to the city
the battery is low and the screen is black
please close the door and turn on the light
the fish is ready so bring me a plate
he walked through the forest with a bag and a map
they live in a small house by the river
let the bread cool for thirty minutes
the wind is cold but the sun is warm
take the cake out of the oven now
we drink tea and coffee every morning
one two three four five six seven
the woman in the blue car is my family
do you like cheese with your bread
today we travel to the island by boat
the computer is slow so we have to wait
look at this beautiful valley
he would like some milk and sugar
record the video and then play it again
slice the tomato and the lemon carefully
we were tired but happy at the end of the day
the hotel is eight hundred meters from the beach
type a short message and click send
you need a pan some oil and three potatoes
the bear went into the water to find a fish
thank you and see you tomorrow
keep the knife clean and dry
if you are cold sit by the fire
what a great day to walk around the city
the plane will leave in five hours
she said that the old bridge is not good
nine zero four two eight
cover the rice and boil it for twenty minutes
where did you leave the keyboard
the sky was blue over the big white mountain
help me move this bed into the other room
people come here to climb and to run
chop the carrot and mix it with the salt
we slept in a tent under the stars
use the mouse to move the page up and down
it's time to eat so come to the kitchen
""".strip().splitlines()

EXTRA = """sharp asleep low cool raining eggs horses potatoes took made slept stars end
other did going am not no yes said more every all watching hello welcome name number
hundred thank please me what where how think long time last this these is it's i'm
let's don't do has had have an or of out up down before after off back high below
his her their them us him who why just only also never always really about for as be
been got gave saw turn cover stand ground rock climbing cooking snowy snow city off
look give tell say know let try world way home thing things water part music
food dinner breakfast kilometers flowers glass cup hand hands hair eyes feet
next second third half full thin thick left right outside inside""".split()


def vocabulary():
    words = set(EXTRA)
    for items in CLASSES.values():
        words.update(items)
    for line in TEMPLATES + HELDOUT:
        words.update(w for w in line.split() if w.islower())
    return sorted(words)


def fill(template, rng):
    out = []
    for token in template.split():
        word = rng.choice(CLASSES[token]) if token in CLASSES else token
        if word == "a" or not out:
            out.append(word)
            continue
        if out[-1] == "a" and word[0] in "aeiou":
            out[-1] = "an"
        out.append(word)
    return " ".join(out)


def training_text(count, seed, random_share=0.0):
    """Yield `count` sentences: filled templates, or random word strings."""
    rng = random.Random(seed)
    vocab, held = vocabulary(), set(HELDOUT)
    made = 0
    while made < count:
        if rng.random() < random_share:
            text = " ".join(rng.choice(vocab) for _ in range(rng.randint(2, 8)))
        else:
            text = fill(rng.choice(TEMPLATES), rng)
            if rng.random() < 0.35:
                text += " " + rng.choice(["and", "then", "but", "so"]) + " " + fill(
                    rng.choice(TEMPLATES), rng)
        if not any(f" {h} " in f" {text} " for h in held):
            made += 1
            yield text


if __name__ == "__main__":
    print(len(vocabulary()), "words")
    print(" ".join(vocabulary()))
    for line in training_text(12, 1, 0.3):
        print("  ", line)
