"""``travel``: plan a trip for a user who tells their wishes only when asked, and then indirectly.

An own implementation of the game of UserBench (TravelGym; Salesforce AI Research, arXiv 2507.22034), with its interface,
rewards, metrics and file format, and none of its code, texts or data. The agent searches each aspect of the trip, asks the
user, and names one option an aspect, through the one tool ``interact_with_env(thought, choice, content)``.

**Where things are**: ``turn`` the rules, as pure functions; ``scenario`` a trip and how it is read; ``judge`` the two
decisions that need a mind, made by ``rule_judge`` (offline, the default; its words are in ``lexicon`` and ``families``) or
by ``model_judge`` (``env_options["judge"] = MODEL``); ``scoring`` the metrics; ``wording`` all texts; ``expert`` the ground
truth; ``environment`` and ``family`` the way in; ``official`` the benchmark's own data; ``bundled`` ours.

**Fit with a session**: the session's user says the opening request, and to a plain reply that the tool must be used. That
reply uses one of the 20 messages and earns nothing. The end of the trip (every aspect answered; in the multiple-choice
game every best option named; ``[finish]``) ends the session as ``user_stop``, the last message as ``max_turns``; both are
scored. With ``--max-turns`` that limit stands in the place of 20. Scripts hold as many reminders as the game has messages.
A person or a model may be the session's user too; what they say decides nothing, for wishes are told through the tool.

**What differs from the original, by its known defects**

1. Two copies of the turn that differ (synchronous, asynchronous): there is one. ``volunteer_late`` gives the other
   threshold.
2. After a choice that was not the best, the asynchronous single-choice game never ended: it ends once each aspect has
   been answered.
3. Several ids in one answer lost rewards or added up above 1: an answer is one id, checked before anything changes.
4. Ids of aspects the trip does not have used up a choice: refused.
5. Options that no search had shown, or that do not exist, were scored: refused (``require_listed``; unknown ids always).
6. Multiple choice, which rewards trying ids one by one, was what was evaluated: single choice is the default here,
   ``first_best_rate`` is reported, and ``say_verdict`` can be switched off.
7. ``wrong_choice_penalty`` could not show, because the reward was cut at 0 after it: it is not cut.
8. A best id that is not among the correct ones crashed a step: the data are checked when they are read.
9. The limits on wrong and absurd options were ignored for chosen scenarios: there is one reader, and it keeps them.
10. The order of options depended on what ran before: it is a hash of seed, scenario, aspect and option.
11. All files were parsed for every environment: they are parsed once.
12. A list of scenarios lost its first one: opening a task is all that starts one.
13. Hidden preferences were in observation and info: the agent's view is the feedback alone.
14. Answering dropped open preferences from the elicitation ratio: it is divided by all preferences of the trip
    (``elicitation_ratio_original`` is beside it).
15. Reveals were counted before the reply was made: a reveal is counted with the reply in one value.
16. A judge's true and false were taken for a failed search: verdicts are typed.
17. A judge's failure was disguised as a failed search or as small talk: it is an outcome of its own (``undecided``) that
    changes nothing, may be repeated, and leaves the session without a score.
18. Unreadable answers of the judge were not retried: they are asked for once more.
19. The judge's history lacked the request, answers and errors, and went with its notes to the model that wrote the user's
    words: it is what was said in the open, and no model writes the user's words.
20. The agent's text stood unquoted in the judge's prompt: it is a JSON string inside a JSON object.
21. The volunteered preference came from a global generator: it is the first that is open.
22. An empty search or question cost a judge's call: it is malformed.
23. ``[finish]`` and the first observation lacked counts, and texts were capped below their length: one state holds all
    counts, and nothing is capped.
24. ``micro_max`` is 1.0 after one of several aspects: kept as the headline for comparison; ``headline`` chooses
    ``best_rate`` or ``all_best`` instead, and all of them are reported.
25. Counting rewards equal to 1.0 and 0.8 broke under any penalty: events are counted.
26. pass@k was not computed: a session is one trial, and pass^k is over trials.
27. A timeout ended a game and scored it: a failed judge or provider leaves it unscored.
28. Results were cached by prompt and id alone: a session records data set and options, and a judge's decision is kept under
    everything that was asked.
29. Flags that were always true, results lost at the end: options are checked, and every event is recorded as it happens.
30. Tool results without the id of their call: they always have it.
31. Two step limits that differ: there is one, ``max_steps``.
32. Missing fields gave absurd options away: every option has the fields of all, ``null`` where it has none.
33. The judge was not steady: the default one goes by rules.

**What is ours**: all words; the user's replies are the implicit statements as they stand; bundled restaurants have a price
for each person, so that the cheapest correct one is one; ``micro_avg`` counts a plain reply as a message.
"""
