"""What an agent of a service desk may say instead of the sentences of the simulated one, meaning the same.

In an alternative ``{0}``, ``{1}`` … are the groups of the pattern, and after them the same again with a small first letter:
of a pattern with one group ``{1}`` is the first one in small.
"""

from __future__ import annotations

import re

_ELSE = (
    "Can I help you with anything else?",
    "Is there anything else you need?",
    "Anything else I can help with today?",
    "Is there anything more I can assist you with?",
    "Do you need help with anything else?",
    "What else can I do for you?",
    "If there's anything else you need, just let me know!",
    "Would you like help with something else?",
    "Let me know if you need anything else.",
    "How else may I assist you today?",
    "",
)
_AHEAD = (
    "Would you like me to proceed?",
    "Do you want me to go ahead with this?",
    "Please confirm (yes) if you would like me to proceed.",
    "Is that all right with you?",
    "Do you confirm?",
    "Please reply 'yes' to confirm.",
    "Could you please confirm that this is what you want?",
    "Is this okay? Please answer yes or no.",
    "May I proceed?",
    "Let me know if I should go ahead.",
    "Do I have your permission to do this?",
    "Please let me know whether this is correct and I may proceed.",
    "Are you happy with that?",
)
_USER_ID = (
    "Could you please give me your user id?",
    "Could you please provide your user ID?",
    "What is your user ID?",
    "Can you tell me your user ID so that I can find your booking?",
    "To get started, I need your user ID, please.",
    "I'll need your user ID to look into this. Could you share it?",
    "Please provide your user ID so I can access your profile.",
    "Who am I speaking with? Your user id would help me find you.",
    "First of all, may I ask for your user ID?",
    "In order to verify you, could you let me know your user ID?",
    "Please share the user ID that is connected to your account.",
)
_RESERVATION_ID = (
    "And do you have the reservation ID?",
    "Do you also have your reservation number?",
    "Which reservation is it about?",
    "And could you provide the reservation ID, if you know it?",
    "If you have the confirmation code, please share it as well.",
    "What is the reservation ID? If you don't have it, I can look it up.",
)
_EMAIL = (
    "Could you please provide your email address, or your full name and zip code?",
    "To verify your identity, I need your email address. Alternatively, tell me your name and ZIP code.",
    "What is the email on your account? Your first name, last name and zip code will do as well.",
    "Can you give me your e-mail or your name with the ZIP code, so that I can find your profile?",
    "Please share the email address linked to your account (or your name and zip).",
    "First, I have to verify who you are. May I have your e-mail address?",
    "Before we begin I need to authenticate you: your email, or name plus zip code, please?",
    "May I ask for your email so I can locate your account?",
)
_ORDER_NUMBER = (
    "And what is your order number?",
    "Do you have the order ID?",
    "Which order is this about?",
    "If you know the order number, please share it as well.",
    "Could you also tell me the order ID, if you have it?",
)
_NOT_POSSIBLE = (
    "Unfortunately, this cannot be done.",
    "I'm afraid I can't do that.",
    "I'm sorry, but we are unable to do this.",
    "Unfortunately I'm not able to help with that request.",
    "I apologize, but that isn't something I can do.",
    "I regret that this is impossible.",
    "I checked, and sadly it is not possible.",
    "That can't be done, I'm sorry.",
    "I am unable to process this request.",
    "We can't do this for you, unfortunately.",
)
_EXCEPTION_MADE = (
    "As a courtesy I have made an exception, and everything is done.",
    "I've gone ahead and made an exception for you this time, so it's taken care of.",
    "Good news: I was able to make an exception, and your request has been processed.",
    "I have done it for you this once.",
    "An exception has been made and it's all set.",
    "I've made a one-time exception and completed this for you.",
)
_NO_EXCEPTION = (
    "Exceptions are not possible.",
    "I'm not able to make an exception here.",
    "There are no exceptions to this.",
    "I wish I could, but I can't make an exception.",
    "That holds for everyone.",
    "",
)
_SORRY = (
    "Unfortunately, ",
    "I'm sorry, but ",
    "I'm afraid ",
    "I apologize, but ",
    "I understand your frustration, but ",
    "I'm sorry to tell you that ",
    "I have to let you know that ",
    "I am really sorry about this. However, ",
    "According to our policy, ",
    "Regrettably, ",
)
_WOULD = (
    "I can {0}:",
    "I'd {0}:",
    "Here is what I would do: {0},",
    "To confirm, I am going to {0}:",
    "Just to make sure we agree, I would {0}.",
    "These are the details. I would {0}:",
    "You would like me to {0}:",
    "If you agree, I will {0}:",
    "Here is a summary:\n- I {0}\n-",
    "Let me summarize. I'll {0}:",
    "I'm ready to {0}:",
)
_ASKED_ABOUT = (
    "The figure you asked about is {0}.",
    "To answer your question: {0}.",
    "It comes to {0}.",
    "As for your question, it is {0}.",
    "You asked for a number: it's {0}.",
    "That makes {0} in total.",
    "By the way, the answer to your question is {0}.",
)
_BYE = (
    "You're very welcome! Have a great day.",
    "My pleasure. Goodbye!",
    "Glad I could help. Have a nice day!",
    "Thanks for contacting us. Take care!",
    "You're welcome! If you need anything else, feel free to reach out. Goodbye!",
    "Happy to help! Have a wonderful day.",
    "Thank you, and safe travels!",
    "No problem at all. Bye!",
    "Thank you for your patience and have a good one!",
)

_TEXTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"You're welcome\. Thank you for getting in touch, and goodbye!", _BYE),
    (r"Is there anything else I can do for you\?", _ELSE),
    (r"Shall I go ahead\?", _AHEAD),
    (r"May I have your user id, please\?", _USER_ID),
    (r"And what is the reservation id, if you have it at hand\?", _RESERVATION_ID),
    (r"May I have your e-mail address, or else your name and ZIP code\?", _EMAIL),
    (r"And what is the order number, if you have it at hand\?", _ORDER_NUMBER),
    (r"I am sorry, but that is not possible\.", _NOT_POSSIBLE),
    (r"I have made an exception for you, and it has been done\.", _EXCEPTION_MADE),
    (r"I cannot make an exception\.", _NO_EXCEPTION),
    (r"I am sorry, but ", _SORRY),
    (
        r" \(that is rule ([\d.]+)\)",
        ("", "", " (rule {0})", " under our policy", " (see rule {0})", ", as rule {0} says"),
    ),
    (
        r"Please tell me:",
        (
            "I need a few details:",
            "Could you please tell me the following?",
            "To help you I need to know:",
            "Please provide:",
            "A few questions first:",
            "Let me know:",
            "I just need some more information.",
        ),
    ),
    (
        r"I would pass on the following:",
        ("I'd hand this over with these words:", "This is what I would tell my colleague:", "I would write:"),
    ),
    (r"I would ([^:?.]{4,90}):", _WOULD),
    (r"What you asked about: (.+?)\.(?=\s|$)", _ASKED_ABOUT),
    (
        r"\b(Reservation|Order) (\S+) has been cancelled\.",
        (
            "I've cancelled {2} {1}.",
            "Your {2} {1} is now cancelled.",
            "{0} {1} has been successfully cancelled.",
            "Done! The {2} {1} was cancelled.",
            "The cancellation of {1} went through.",
            "I have just cancelled {2} {1} for you.",
            "Good news, {2} {1} has been canceled.",
        ),
    ),
    (
        r"\b(The [^.:;?]{4,60}|Your trip|A certificate of \$[\d.]+) (has|have) been "
        r"(updated|changed|requested|booked|sent)\.",
        (
            "{0} {1} now been {2}.",
            "{0} {1} been {2} successfully.",
            "I've {2} {3}.",
            "I have {2} {3} for you.",
            "All done: {3} {1} been {2}.",
            "Great news! {0} {1} been {2}.",
            "Everything is set; {3} {1} been {2}.",
        ),
    ),
    (
        r"\$([\d.]+) goes back to (your [^.;,]{4,50})",
        (
            "you will get ${0} back to {1}",
            "a refund of ${0} will go to {1}",
            "${0} will be refunded to {1}",
            "we'll return ${0} to {1}",
            "refund: ${0}, to {1}",
        ),
    ),
    (
        r"\$([\d.]+) is charged to (your [^.;,]{4,50})",
        (
            "${0} will be charged to {1}",
            "you pay ${0} with {1}",
            "the cost is ${0}, paid by {1}",
            "the difference of ${0} will go on {1}",
            "charge: ${0} to {1}",
        ),
    ),
    (r" within seven days", (" within 7 days", " in the next seven days", " in five to seven business days", "")),
    (
        r"What is the reason for the cancellation\?",
        (
            "May I ask why you want to cancel?",
            "Why would you like to cancel?",
            "Could you tell me the reason for cancelling?",
            "Please let me know the cancellation reason.",
            "What's the reason you are cancelling?",
        ),
    ),
    (
        r"Which payment method shall settle (?:the|a) difference(?: in price)?(: a gift card or a credit card)?\?",
        (
            "How would you like to pay the difference{0}?",
            "Which payment method would you like to use for the difference{0}?",
            "What payment method should be used{0}?",
            "Please choose a payment method{0}.",
            "And which card should I charge or refund?",
        ),
    ),
    (
        r"Which payment method shall the refund go to\?",
        (
            "Where should the refund go?",
            "Which payment method should receive the refund?",
            "How would you like to be refunded?",
            "Please tell me to which payment method the money should be returned.",
        ),
    ),
    (
        r"Which payment method shall be used (instead|if something is to be paid)\?",
        (
            "What payment method would you like to use {0}?",
            "Which card would you like {0}?",
            "Please tell me which payment method I should use {0}.",
        ),
    ),
    (
        r"Which payment methods shall be used\?",
        ("How would you like to pay?", "What payment method do you prefer?", "Please tell me how you want to pay."),
    ),
    (
        r"Which items shall be (returned|exchanged|changed)(, and (?:for|to) which options)?\?",
        (
            "Which items would you like to have {0}{1}?",
            "What exactly should be {0}{1}?",
            "Could you tell me which items need to be {0}{1}?",
            "Please list the items that should be {0}{1}.",
        ),
    ),
    (
        r"What is the new address in full\?",
        (
            "What's the full new address?",
            "Could you give me the new address, please?",
            "Please provide the complete new shipping address.",
            "Where should it be sent?",
        ),
    ),
    (r"Shall the profile be changed, too\?", ("Should I update your profile too?", "Also your default address?")),
    (
        r"This can be done only once for an order\.",
        (
            "Please note that this is possible only once per order.",
            "Keep in mind that we can do this just one time, so please list all items.",
            "This is a one-time change.",
            "",
        ),
    ),
    (
        r"An e-mail with the way to send things back will follow\.",
        (
            "You will receive an email with return instructions.",
            "Please look out for an e-mail that explains how to send the items back.",
            "We'll e-mail you how to return everything.",
            "",
        ),
    ),
    (
        r"A refund can only go to the payment method that paid the order, or to a gift card of your profile\.",
        (
            "Refunds go to the original payment method or an existing gift card.",
            "Please note that we can refund only to the original payment method or to a gift card in your profile.",
            "",
        ),
    ),
    (r"Not available at the moment:", ("Currently out of stock:", "Sold out:", "These variants are unavailable now:")),
    (
        r"Is it one way or a round trip, and on which dates\?",
        ("Is it a one-way or a round trip? When?", "On which dates would you like to travel, and is it a return trip?"),
    ),
    (
        r"Which cabin would you like, and which flights do you prefer\?",
        ("Which cabin class and flights do you want?", "Do you prefer economy or business, and which flight?"),
    ),
    (r"Who are the passengers\?", ("Who will travel?", "How many passengers, and what are their names?")),
    (r"How many bags will be checked\?", ("How many checked bags will you have?", "Any checked bags?")),
    (
        r"Would you like travel insurance for \$30 per passenger\?",
        ("Do you want travel insurance ($30 for each passenger)?", "Shall I add insurance at $30 per person?"),
    ),
    (r"How many bags shall be added\?", ("How many bags would you like to add?", "How many extra bags do you need?")),
    (
        r"Which flights, dates and cabin would you like instead\?",
        ("What should the new flights, dates and cabin be?", "Which new flight and cabin would you like?"),
    ),
    (
        r"Shall I transfer you to a human agent\?",
        ("Would you like to talk to a human agent?", "May I transfer you to one of my colleagues?"),
    ),
    (
        r"This is for a colleague of mine\.",
        ("A colleague has to take care of this.", "This is beyond what I can do myself, so a colleague should help."),
    ),
    (r"I have looked it up for you\.", ("I checked that for you.", "I have looked into it.", "Here is what I found.")),
    (
        r"What would you like me to do\?",
        ("How can I help you today?", "What can I do for you?", "Could you tell me more about what you need?"),
    ),
    (r"The total is \$([\d.]+):", ("In total that's ${0}:", "The total price will be ${0}:", "Total: ${0}.")),
)
WORDINGS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), others) for pattern, others in _TEXTS
)
"""Sentence → what may be said instead, to be put in place in this order."""
