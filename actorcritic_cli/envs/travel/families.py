"""The kinds of preference a traveller may have: for each its key words (separated by ``|``) and a question for it.

A key word that ends in ``*`` stands for all words that begin so. General words ("airline", "bedrooms") stand with every
kind they can mean, so a general but fair question finds whichever of them the user has; particular ones decide between
them. ``lexicon`` says how they are used.
"""

from __future__ import annotations

Table = dict[str, tuple[str, str]]

_LAYOVER = "layover|layovers|stopover|stopovers|connection|connections|connecting|transit"
_FOOD = "cuisine|cuisines|kind of food|type of food|sort of food|what food|dishes"
_CAR = "type of car|kind of car|category|car class|type of vehicle|kind of vehicle"
_BED = "bed|beds|bed type|room type|type of room|kind of room|which room"
_PRICE = "price|prices|price level|price range|pricing|spend"

FLIGHT: Table = {
    "direct": (
        "direct|nonstop|non stop|without stops|without a stop|no stops|number of stops|stops",
        "Would you like a direct, nonstop flight?",
    ),
    "one_stop": (
        "one stop|single stop|a stop|stop on the way|number of stops|stops|" + _LAYOVER,
        "Would a single stop on the way suit you for the flight?",
    ),
    "layover_city": (
        "layover city|which city|what city|city for the layover|city designated|certain city|specific layover city|"
        "stop in|pass through|via|" + _LAYOVER,
        "Which city would you like to pass through on a layover of your flight?",
    ),
    "layover_fair": (
        "layover time|layover length|layover duration|length of the layover|how long|reasonable|" + _LAYOVER,
        "Should the layover time of the flight be of a reasonable length?",
    ),
    "layover_long": (
        "layover time|layover length|layover duration|length of the layover|how long|longer|long|" + _LAYOVER,
        "Would you like a longer layover time on the flight?",
    ),
    "total_time": (
        "total travel time|total time|total|overall|travel time|minimum|shortest|fastest|journey time|door to door",
        "How important is the shortest total travel time of the flight to you?",
    ),
    "short_legs": (
        "single flight|each flight|each leg|leg|legs|shorter|flight duration|flight time|single|in the air",
        "Should each leg of the flight be short, a shorter single flight duration?",
    ),
    "airline": (
        "airline|airlines|carrier|carriers|specific airline|which airline|certain airline|airline brand",
        "Which airline would you like to fly with?",
    ),
    "same_airline": (
        "airline|airlines|carrier|carriers|same airline|one airline|same carrier|consistent|consistent airline|"
        "single airline|airline brand|all flights",
        "Should it be one consistent, the same airline on all flights?",
    ),
    "different_airlines": (
        "airline|airlines|carrier|carriers|different airline*|several airlines|various airlines|mix of airlines|"
        "different|airline brand|different flights",
        "Would you enjoy different airlines on the legs of the flight?",
    ),
    "wifi": ("wifi|wi fi|internet|online", "Do you need WiFi on the flight?"),
    "meals": ("meal|meals|meal service|food on board|catering", "Would you like a meal service on the flight?"),
    "lounge": ("lounge|lounges|lounge access", "Do you want lounge access with the flight?"),
    "carry_on": (
        "carry on|carryon|cabin bag|hand luggage|hand baggage|carry on baggage",
        "Do you need a carry on baggage allowance for the flight?",
    ),
    "checked_bag": (
        "checked|check a bag|check bag|check in luggage|checked bag|checked bags|suitcase|suitcases|checked luggage",
        "Will you have a checked bag on the flight?",
    ),
    "business": ("business|business class|cabin class|travel class|class", "Would you like to fly business class?"),
}

HOTEL: Table = {
    "brand": (
        "brand|brands|chain|chains|hotel brand|hotel chain|hotel group|loyalty",
        "Is there a hotel brand that you would like?",
    ),
    "rating": ("rating|ratings|rated|score|review score", "What rating should the hotel have?"),
    "breakfast": ("breakfast|breakfasts", "Would you like breakfast at the hotel?"),
    "parking": ("parking|park|garage", "Do you need parking at the hotel?"),
    "barrier_free": (
        "barrier free|accessib*|wheelchair|step free|mobility|disabilit*",
        "Do you need barrier-free access at the hotel?",
    ),
    "pets": ("pet|pets|dog|dogs|cat|cats|animal|animals", "Will you bring any pets to the hotel?"),
    "king": ("king|king size|king room|" + _BED, "Would you like a King room in the hotel?"),
    "suite": (
        "suite|suites|kitchen|kitchenette|cook|suite with kitchen|" + _BED,
        "Would you like a Suite with a kitchen in the hotel?",
    ),
    "double": ("double|double room|" + _BED, "Would you like a Double room in the hotel?"),
    "queen": ("queen|queen size|queen room|" + _BED, "Would you like a Queen room in the hotel?"),
    "air_conditioning": (
        "air conditioning|air conditioned|air con|aircon|cooling|ac",
        "Do you need air conditioning in the hotel?",
    ),
    "gym": ("gym|gyms|fitness|work out|workout|exercise|training", "Would you use a gym in the hotel?"),
    "workspace": (
        "business workspace|workspace|work space|desk|business|place to work|work from",
        "Do you need a business workspace in the hotel?",
    ),
    "washer": ("washer|dryer|laundry|washing machine|wash clothes", "Do you need a washer and dryer in the hotel?"),
    "wifi": ("wifi|wi fi|internet|online", "Do you need high-speed WiFi in the hotel?"),
    "view": (
        "view|views|ocean|mountain|mountains|skyline|overlooking|sea view|city view",
        "Would you like a certain view from the hotel?",
    ),
}

APARTMENT: Table = {
    "platform": (
        "platform|platforms|booking site|website|which site|book through|listed on|provider",
        "Is there a platform through which you like to book the apartment?",
    ),
    "rating": ("rating|ratings|rated|score|review score", "What rating should the apartment have?"),
    "daily_cleaning": (
        "clean|cleaned|cleaning|housekeeping|cleaner|everyday|every day|daily",
        "Would you like daily cleaning in the apartment?",
    ),
    "capacity": (
        "capacity|how many people|how many guests|number of guests|guests|sleep|sleeps|how many of you|group size",
        "How many guests must the apartment have the capacity for?",
    ),
    "two_bathrooms": (
        "bathroom|bathrooms|baths|two bathrooms|2 bathrooms|at least two bathrooms",
        "Do you need at least two bathrooms in the apartment?",
    ),
    "three_bathrooms": (
        "bathroom|bathrooms|baths|three bathrooms|3 bathrooms|at least three bathrooms",
        "Do you need at least three bathrooms in the apartment?",
    ),
    "one_bedroom": (
        "bedroom|bedrooms|one bedroom|1 bedroom|only one bedroom|single bedroom",
        "Is only one bedroom right for the apartment?",
    ),
    "three_bedrooms": (
        "bedroom|bedrooms|three bedrooms|3 bedrooms|at least three bedrooms",
        "Do you need at least three bedrooms in the apartment?",
    ),
    "parking": ("parking|park|garage", "Do you need parking at the apartment?"),
    "elevator": ("elevator|elevators|lift|stairs|which floor", "Do you need an elevator for the apartment?"),
    "late_checkout": (
        "late checkout|check out|checkout|checking out|leave late|departure time|late",
        "Would you like a late checkout from the apartment?",
    ),
    "early_checkin": (
        "early checkin|check in|checkin|checking in|arrive early|arrival time|early",
        "Would you like an early check-in at the apartment?",
    ),
    "washer": ("washer|dryer|laundry|washing machine|wash clothes", "Do you need a washer and dryer in the apartment?"),
    "air_conditioning": (
        "air conditioning|air conditioned|air con|aircon|cooling|ac",
        "Do you need air conditioning in the apartment?",
    ),
    "kitchen": ("kitchen|cook|cooking|stove", "Do you need a kitchen in the apartment?"),
    "garden": ("garden|gardens|yard|outdoor space|patio|terrace", "Would you like a garden at the apartment?"),
    "wifi": ("wifi|wi fi|internet|online", "Do you need high-speed WiFi in the apartment?"),
    "pets": ("pet|pets|dog|dogs|cat|cats|animal|animals", "Will you bring any pets to the apartment?"),
}

RENTAL_CAR: Table = {
    "seats": (
        "seats|number of seats|enough seats|seater|how many people|how many passengers|passengers|how many of you|"
        "group size",
        "How many seats must the rental car have?",
    ),
    "brand": (
        "brand|brands|make|manufacturer|which make|rental car brand|car brand",
        "Is there a brand of car that you like?",
    ),
    "model": ("model|models|car model|specific model|which model", "Is there a model of car that you want?"),
    "second_driver": (
        "second driver|additional driver|another driver|other driver|more than one|main driver|drivers|share the driving|"
        "who will drive|anyone else drive",
        "Will there be an additional driver, more than one main driver of the car?",
    ),
    "electric": ("electric|ev|fuel|fuel type|charging|hybrid|" + _CAR, "Would you like an electric car?"),
    "gasoline": ("gasoline|petrol|gas|fuel|fuel type|" + _CAR, "Would you like a gasoline car?"),
    "suv": ("suv|suvs|off road|four wheel drive|" + _CAR, "Would you like an SUV as rental car?"),
    "economy": ("economy|economy car|small|compact|" + _CAR, "Would you like an economy car?"),
    "liability": (
        "liability|liability insurance|liability waiver|insurance|insurances|coverage|cover",
        "Do you want liability insurance for the car?",
    ),
    "accident": (
        "accident|personal accident|accident insurance|insurance|insurances|coverage|cover|injur*",
        "Do you want personal accident insurance for the car?",
    ),
    "damage": (
        "damage|damage waiver|collision|damage insurance|insurance|insurances|coverage|cover|scratches",
        "Do you want a damage waiver insurance for the car?",
    ),
    "belongings": (
        "belonging|belongings|belonging insurance|theft|stolen|insurance|insurances|coverage|cover|valuables",
        "Do you want insurance for your belongings in the car?",
    ),
    "child_seat": (
        "child seat|additional child seat|child|children|kid|kids|baby|toddler|booster|infant",
        "Do you need a child seat in the car?",
    ),
    "underage": (
        "underage|young driver|young drivers|drivers age|age of the driver|under 25|how old|age|underage person",
        "Will there be an underage, young driver of the car?",
    ),
}

RESTAURANT: Table = {
    "expensive": (
        "expensive|upscale|fancy|fine dining|luxur*|high end|" + _PRICE,
        "Would you like an expensive, upscale restaurant?",
    ),
    "cheap": (
        "cheap|inexpensive|affordable|low price|" + _PRICE,
        "Would you like a cheap restaurant?",
    ),
    "mostly_five_stars": (
        "review|reviews|reviewed|half|majority|5 star|five star|mostly",
        "Should more than half of the reviews of the restaurant be 5 star reviews?",
    ),
    "nothing_below_three": (
        "review|reviews|reviewed|3 star|three star|lowest|worst|below|above|all the reviews",
        "Should all the reviews of the restaurant be at or above 3 star?",
    ),
    "no_one_star": (
        "review|reviews|reviewed|1 star|one star|zero|bad reviews|negative",
        "Should the restaurant have zero 1 star reviews?",
    ),
    "rating": ("rating|ratings|rated|score|review score", "What rating should the restaurant have?"),
    "country": (
        "country|countries|national|specific country|" + _FOOD,
        "Which country's cuisine would you like at the restaurant?",
    ),
    "fast_food": ("fast food|quick|burger|burgers|" + _FOOD, "Would you like fast food at the restaurant?"),
    "vegetarian": (
        "vegetarian|vegan|meat|meat free|plant based|diet|dietary|" + _FOOD,
        "Would you like vegetarian food at the restaurant?",
    ),
    "sweet": (
        "dessert|desserts|bakery|cafe|sweet|sweets|pastry|pastries|coffee|" + _FOOD,
        "Would you like a dessert place, a bakery or a cafe as restaurant?",
    ),
    "sea_or_steak": (
        "seafood|fish|steak|steaks|steakhouse|" + _FOOD,
        "Would you like seafood or a steakhouse as restaurant?",
    ),
    "delivery": ("delivery|deliver|delivered|takeaway|take out", "Would you like the restaurant to offer delivery?"),
    "reservations": (
        "reservation|reservations|reserve|book a table|booking|table in advance",
        "Should the restaurant take reservations?",
    ),
    "walk_ins": (
        "walk in|walk ins|without booking|without a reservation|spontaneous*",
        "Are walk-ins important to you?",
    ),
    "outdoor": ("outdoor|outdoors|outside|terrace|patio|open air", "Would you like outdoor seating at the restaurant?"),
    "business": ("business|business dining|clients|colleagues|partners", "Is the restaurant for business dining?"),
    "late": (
        "late|late night|open late|opening hours|closing time|hours|till late",
        "Should the restaurant be open till late night?",
    ),
    "pets": ("pet|pets|dog|dogs|cat|cats|animal|animals|pet friendly", "Should the restaurant be pet-friendly?"),
    "parking": ("parking|park|garage", "Do you need parking at the restaurant?"),
}
