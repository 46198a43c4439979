"""Invented names, places and unit prices of the bundled trips. Brands, airlines and platforms exist nowhere else."""

from __future__ import annotations

PEOPLE = (
    "Ilse Varga", "Tomas Lindqvist", "Adaeze Obi", "Renzo Castellari", "Mei Tanabe", "Oskar Brandt", "Leila Haddad",
    "Fergus Doyle", "Paloma Reyes", "Jonas Kettler", "Saoirse Quinn", "Viktor Malik", "Hana Novotna", "Emre Aydin",
    "Clara Weiss", "Matteo Ferri",
)  # fmt: skip
OTHER_PEOPLE = (
    "Nora Sandberg", "Ivo Marchetti", "Chiara Donat", "Pavel Hruska", "Ngozi Eze", "Erik Thorsen", "Yuna Park",
    "Diego Fuentes", "Aoife Nolan", "Kwame Mensah", "Birgit Moser", "Sofia Almeida", "Rasmus Holm", "Lin Zhao",
    "Tariq Mansour", "Elodie Perrin", "Gustav Falk", "Marta Kowal", "Hugo Delacroix", "Anika Rao",
)  # fmt: skip
"""Travellers of trips that are not bundled."""
CITIES = (
    "Lisbon", "Ghent", "Graz", "Bergen", "Valencia", "Turin", "Leeds", "Halifax", "Dunedin", "Nagoya", "Busan", "Cork",
    "Malmö", "Tartu", "Porto", "Ljubljana", "Salta", "Adelaide",
)  # fmt: skip
ORIGINS = ("Hamburg", "Lyon", "Krakow", "Bologna", "Basel", "Bilbao", "Aarhus", "Split")
HUBS = ("Zurich", "Vienna", "Doha", "Helsinki", "Montreal", "Athens")
MONTHS = (("March", 31), ("May", 31), ("June", 30), ("September", 30), ("October", 31))

AIRLINES = {"Northlark": "NL", "Meridian Wings": "MW", "Bluefin Air": "BF", "Aster Airways": "AS", "Kestrel Jet": "KJ"}
FLIGHT_AMENITIES = ("WiFi", "Meal Service", "Carry on Baggage Allowance", "Lounge Access")
FLIGHT_SERVICE = {"cost_check_bag_total": 48, "cost_business_total": 390}

HOTEL_BRANDS = ("Juniper House", "Maple Court", "Cobalt Inn", "Lantern Hotels", "Harbour Row")
HOTEL_SUFFIXES = ("Central", "Riverside", "Old Town", "Station", "Garden", "Quayside")
ROOMS = {"Double": (0.95, 2), "Queen": (1.0, 2), "King": (1.2, 3), "Suite (with kitchen)": (1.6, 4)}
"""Type → (price factor, people)."""
HOTEL_AMENITIES = (
    "High-Speed WiFi", "Air Conditioning", "Gym", "Pets Allowed", "Washer and Dryer", "Business Workspace", "City View",
    "Ocean View", "Mountain View",
)  # fmt: skip
HOTEL_SERVICE = {"cost_breakfast_total": 60, "cost_parking_total": 45, "cost_barrier_free_total": 30}

PLATFORMS = ("StayNest", "KeyHollow", "RoomRiver", "CasaLoop")
APARTMENT_NAMES = (
    "Attic",
    "Loft",
    "Corner Flat",
    "Courtyard Home",
    "Studio",
    "Terrace Flat",
    "Mill House",
    "Park Flat",
)
APARTMENT_AMENITIES = (
    "Kitchen", "Air Conditioning", "High-Speed WiFi", "Parking", "Washer and Dryer", "Elevator", "Garden", "Pets Allowed",
)  # fmt: skip
APARTMENT_SERVICE = {"cost_cleaning_total": 90, "cost_late_checkout_fee": 30, "cost_early_checkin_fee": 25}

CAR_MODELS = {
    "Orvane": ("Lark", "Siro", "Tundra X"),
    "Talbrook": ("Mira", "Vale", "Ridge"),
    "Kirano": ("Pico", "Aurel", "Summit"),
    "Velmar": ("Dot", "Cadenza", "Atlas"),
}
CAR_CATEGORIES = ("SUV", "Gasoline", "Electric", "Economy")
CAR_INSURANCE = {
    "cost_damage_waiver": 70,
    "cost_liability_waiver": 55,
    "cost_personal_accident_waiver": 40,
    "cost_belonging_waiver": 28,
}
CAR_SERVICE = {"cost_child_seat_total": 35, "cost_underage_total": 80, "cost_additional_driver_total": 50}

RESTAURANT_NAMES = (
    "The Copper Pot", "Salt and Fig", "Mother Elm", "Blue Door", "The Ninth Table", "Wren and Co", "Ember Hall",
    "Pepper Lane", "The Quiet Fork", "Old Ferry House", "Marrow and Mint", "Plum Street", "The Long Spoon", "Saffron Yard",
    "Tin Lantern", "Hazel and Rye",
)  # fmt: skip
CUISINES = ("Peruvian", "Georgian", "Lebanese", "Ethiopian", "Vietnamese")
OTHER_FOOD = ("Fast Food", "Vegetarian", "Bakery", "Cafe", "Seafood", "Steakhouse")
LEVELS = {"Cheap": 11, "Normal": 27, "Expensive": 74}
"""Price level → USD for each person, about."""
TAGS = (
    "Reservations Available", "Walk-ins Welcomed", "Parking", "Outdoor Seating", "Pet-Friendly", "Business Dining",
    "Delivery Available", "Late Night Service",
)  # fmt: skip

ABSURD = (
    "Moonbase", "Sunken Volcano", "Dream of a Clockmaker", "Castle of Fog", "Dragon's Nest", "Invisible Tower", "Time Loop",
    "Glacier on Wheels", "Placeholder 000", "Singing Cactus",
)  # fmt: skip
ABSURD_PLACES = ("Atlantis", "the Moon", "El Dorado", "Mount Doom", "Nowhere")
